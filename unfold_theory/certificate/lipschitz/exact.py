r"""The first checker: one inequality a layer, built from the statement and decomposed with FLINT's rationals.

**Theorem.** Let the activation of layer k be firmly nonexpansive on blocks, $\Lambda_k\ge0$ constant on each, and
$V_k(\xi,u)$ quadratic forms, $V_K(\xi,u)=\|G\xi\|^2$, $V_0(Fu,u)=L^2\|u\|^2$. If for all vectors and every k
$$V_k(\xi,u)-V_{k+1}(A_k\xi+B_kw+E_ku,\,u)-2\,w^T\Lambda_k(C_k\xi+D_ku-w)
  -\textstyle\sum_{ij}\lambda_i\big(r^C_{ij}(w_i^2+\xi_j^2)+r^D_{ij}(w_i^2+u_j^2)\big)\ge0,$$
with $\xi=Fu$ for k = 0, then $\|z-z'\|\le L\|u-u'\|$ for all inputs and all matrices C, D within the radii r.
*Proof.* For the differences of two runs $\langle w_B,v_B-w_B\rangle\ge0$ on every block. A change of $C_{ij}$ by at
most $r_{ij}$ changes $2w^T\Lambda C\xi$ by at most $2\lambda_ir_{ij}|w_i\xi_j|\le\lambda_ir_{ij}(w_i^2+\xi_j^2)$. Hence
V never increases along differences: $\|z-z'\|^2=V_K\le V_0=L^2\|u-u'\|^2$. $\square$
"""

from __future__ import annotations

from flint import fmpq, fmpq_mat

from unfold_theory.certificate.definite import is_positive_semidefinite
from unfold_theory.certificate.kinds import Refused
from unfold_theory.certificate.lipschitz.proof import Dissipation, Triangle, Witness
from unfold_theory.certificate.lipschitz.statement import BoundedLayer, Matrix, Network, RunLayer, Vector
from unfold_theory.certificate.rationals import rational


def check(network: Network, proof: Dissipation) -> int:
    """Accept the proof, and return the bits of its largest pivot.

    Raises:
        Refused: It proves nothing; says why.
    """
    for k, row in enumerate(proof.multipliers):
        if min(row) < 0:
            raise Refused(f"a multiplier of layer {k} is negative")
    bits = 0
    for k in range(len(network.layers)):
        definite, size = is_positive_semidefinite(layer_form(network, proof, k).tolist())
        if not definite:
            raise Refused(f"the inequality of layer {k} is violated: its matrix is not positive semidefinite")
        bits = max(bits, size)
    return bits


def layer_form(network: Network, proof: Dissipation, k: int) -> fmpq_mat:
    """The matrix of layer k's inequality over (w, state, input); over (w, input) for the first layer."""
    layer: BoundedLayer = network.layers[k]
    m = network.inputs
    p, q, after = layer.sizes
    multipliers = [rational(proof.multipliers[k][b]) for b in layer.blocks]
    # Everything over (w, xi, u).
    size = q + p + m
    seen = _whole(q, size, (0, None), (q, layer.preactivation), (q + p, layer.injection))
    next_state = _whole(after, size, (0, layer.emission), (q, layer.transition), (q + p, layer.passage))
    if layer.emission is None:
        for i in range(q):
            next_state[i, i] += 1
    scaled = _whole(q, size)
    for i in range(q):
        for j in range(size):
            scaled[i, j] = multipliers[i] * (seen[i, j] - (1 if i == j else 0))
    form = _zeros(size, size)
    for i in range(q):
        for j in range(size):
            form[i, j] -= scaled[i, j]
            form[j, i] -= scaled[i, j]
    if k + 1 < len(network.layers):
        lifted = _zeros(after + m, size)
        for i in range(after):
            for j in range(size):
                lifted[i, j] = next_state[i, j]
        for i in range(m):
            lifted[after + i, q + p + i] = fmpq(1)
        form -= lifted.transpose() * _symmetric(proof.forms[k]) * lifted
    else:
        output = next_state if network.readout is None else _matrix(network.readout) * next_state
        form -= output.transpose() * output
    for radius, offset in ((layer.preactivation_radius, q), (layer.injection_radius, q + p)):
        for i, row in enumerate(radius or ()):
            for j, r in enumerate(row):
                room = multipliers[i] * rational(r)
                form[i, i] -= room
                form[offset + j, offset + j] -= room
    if k:
        before = _symmetric(proof.forms[k - 1])
        for i in range(p + m):
            for j in range(p + m):
                form[q + i, q + j] += before[i, j]
        return form
    return _at_start(network, form, q, p)


def _at_start(network: Network, form: fmpq_mat, q: int, p: int) -> fmpq_mat:
    """With the state F u, and the claim as V_0."""
    m = network.inputs
    chosen = _zeros(q + p + m, q + m)
    for i in range(q):
        chosen[i, i] = fmpq(1)
    for i, row in enumerate(network.start or ()):
        for j, entry in enumerate(row):
            chosen[q + i, q + j] = rational(entry)
    for i in range(m):
        chosen[q + p + i, q + i] = fmpq(1)
    form = chosen.transpose() * form * chosen
    square = rational(network.bound) ** 2
    for i in range(m):
        form[q + i, q + i] += square
    return form


def check_witness(network: Network, proof: Witness) -> int:
    r"""Run the network on both inputs, and accept if $\|z-z'\|\ge L\|u-u'\|$; returns the bits of its numbers.

    Raises:
        Refused: The ratio is smaller.
    """
    first, second = (_run(network, u) for u in (proof.first, proof.second))
    reached = _norm_squared([a - b for a, b in zip(first, second, strict=True)])
    apart = _norm_squared([rational(a - b) for a, b in zip(proof.first, proof.second, strict=True)])
    if reached < rational(network.bound) ** 2 * apart:
        raise Refused(f"the inputs attain a ratio of {float(_fraction(reached / apart)) ** 0.5:.9g} only")
    return int(reached.p).bit_length() + int(reached.q).bit_length()


def _run(network: Network, entries: Vector) -> list[fmpq]:
    u = _column(entries)
    state = _zeros(network.layers[0].sizes[0], 1) if network.start is None else _matrix(network.start) * u
    layer: RunLayer
    for layer in network.layers:
        v = _matrix(layer.preactivation) * state
        if layer.injection is not None:
            v += _matrix(layer.injection) * u
        if layer.bias is not None:
            v += _column(layer.bias)
        w = _zeros(len(layer.preactivation), 1)
        for i in range(len(layer.preactivation)):
            w[i, 0] = _activated(v[i, 0], layer, i)
        after = w if layer.emission is None else _matrix(layer.emission) * w
        if layer.transition is not None:
            after += _matrix(layer.transition) * state
        if layer.passage is not None:
            after += _matrix(layer.passage) * u
        state = after
    output = state if network.readout is None else _matrix(network.readout) * state
    return [output[i, 0] for i in range(output.nrows())]


def _activated(v: fmpq, layer: RunLayer, i: int) -> fmpq:
    if layer.threshold is None:
        return v if v > 0 else fmpq(0)
    threshold = rational(layer.threshold[i])
    if v > threshold:
        return v - threshold
    return v + threshold if v < -threshold else fmpq(0)


def _norm_squared(vector: list[fmpq]) -> fmpq:
    return sum((entry * entry for entry in vector), fmpq(0))


def _fraction(number: fmpq) -> float:
    return int(number.p) / int(number.q)


def _zeros(rows: int, columns: int) -> fmpq_mat:
    return fmpq_mat(rows, columns)


def _matrix(rows: Matrix) -> fmpq_mat:
    return fmpq_mat([[rational(entry) for entry in row] for row in rows])


def _column(entries: Vector) -> fmpq_mat:
    return fmpq_mat([[rational(entry)] for entry in entries])


def _symmetric(triangle: Triangle) -> fmpq_mat:
    size = len(triangle)
    return fmpq_mat([[rational(triangle[max(i, j)][min(i, j)]) for j in range(size)] for i in range(size)])


def _whole(height: int, width: int, *parts: tuple[int, Matrix | None]) -> fmpq_mat:
    """Blocks side by side, each from its column on; zero elsewhere."""
    made = _zeros(height, width)
    for offset, matrix in parts:
        for i, row in enumerate(matrix or ()):
            for j, entry in enumerate(row):
                made[i, offset + j] = rational(entry)
    return made
