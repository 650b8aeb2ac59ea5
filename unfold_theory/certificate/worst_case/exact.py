r"""The first checker: every inequality built from the statement with FLINT's rationals, every block decomposed exactly.

With $e_i\le0$ the inequalities of the classes, $\lambda\ge0$ and the function values cancelling in
$$\text{rate}\cdot\text{start}-\text{output}+\sum_i\lambda_ie_i=\sum_k\langle S_k,G_k\rangle,$$
where $G_k\succeq0$ is the Gram matrix of step k's vectors, $S_k\succeq0$ proves output $\le$ rate $\cdot$ start. The
couplings $W_k$ enter block k with the state after it, and block k + 1 with the same vectors and the opposite sign:
they cancel in the sum. Names of inequalities:

- (component, i, j): $f_j-f_i+\langle g_j,x_i-x_j\rangle+q\le0$ for the i-th and j-th evaluation, ``*`` the solution,
  with $q=\frac1{2(1-\mu/L)}(\frac1L\|g_i-g_j\|^2+\mu\|x_i-x_j\|^2-\frac{2\mu}L\langle g_i-g_j,x_i-x_j\rangle)$, or
  $\frac\mu2\|x_i-x_j\|^2$ without L (Taylor, Hendrickx, Glineur 2017; for $\mu<0$ Rotaru, Glineur, Patrinos 2024);
- (component, i, ``infimum``): $f_*-f_i+\frac1{2L}\|g_i\|^2\le0$, from a gradient step of length 1/L;
- (``error``, k, k): $\|e_k\|^2-\delta_k^2\|g_k\|^2\le0$ of an inexact gradient;
- (``best``, k, ``*``): the least squared residual is at most that of iterate k.
"""

from __future__ import annotations

from flint import fmpq

from unfold_theory.certificate.definite import Matrix, is_positive_semidefinite
from unfold_theory.certificate.kinds import Refused
from unfold_theory.certificate.rationals import rational
from unfold_theory.certificate.worst_case.programs import PROGRAMS, Evaluation, Oracle, Program, Vector
from unfold_theory.certificate.worst_case.proof import Multipliers, Name
from unfold_theory.certificate.worst_case.statement import INFIMUM, STAR, FunctionClass, Statement

_HALF = fmpq(1, 2)
DEEPEST_GRAM = 200
RESIDUAL_AT_ITERATES = ("gradient descent", "inexact gradient descent", "heavy ball")
VALUE_AT_START = (*RESIDUAL_AT_ITERATES, "accelerated gradient")


class Block:
    """The vectors of one step (or of all), the inequalities that may be used there, and the matrix S."""

    def __init__(self) -> None:
        self.evaluations: dict[tuple[str, int], Evaluation] = {}
        self.new: set[tuple[str, int]] = set()
        self.errors: dict[int, tuple[Vector, Vector, fmpq]] = {}
        self.residuals: dict[int, Vector] = {}
        self.left: int = 0
        self.right: list[Vector] = []
        self.start: Vector | None = None
        self.output: Vector | None = None
        self.S: Matrix = []

    def close(self, oracle: Oracle) -> None:
        """Take over what was evaluated."""
        for evaluation in oracle.evaluations:
            self.evaluations[evaluation[:2]] = evaluation
            self.new.add(evaluation[:2])
        self.errors = {k: (e, g, delta) for k, e, g, delta in oracle.errors}
        self.S = [[fmpq(0)] * oracle.size for _ in range(oracle.size)]

    def add(self, factor: fmpq, u: Vector, v: Vector) -> None:
        """``S += factor * sym(u v^T)``."""
        half = factor * _HALF
        for i, a in u.items():
            scaled = half * a
            for j, b in v.items():
                term = scaled * b
                self.S[i][j] += term
                self.S[j][i] += term


def chain_blocks(statement: Statement) -> list[Block]:
    """A block a step, in coordinates of the state before it and of the answers in it."""
    program = _program(statement)
    counts: dict[str, int] = {}
    blocks = []
    for k in range(statement.depth):
        block, oracle = Block(), Oracle(counts)
        if k == 0:
            state = program.start(oracle)
            block.start = program.start_point(state)
        else:
            state = [oracle.new() for _ in range(program.width)]
            block.left = program.width
            for component, point, gradient in program.known(k, state):
                evaluation = Evaluation(component, counts[component] - 1, point, gradient)
                block.evaluations[evaluation[:2]] = evaluation
        _advance(statement, program, k, state, oracle, block)
        block.close(oracle)
        counts = oracle.counts
        blocks.append(block)
    return blocks


def gram_block(statement: Statement) -> list[Block]:
    """One block for all steps."""
    program, block, oracle = _program(statement), Block(), Oracle({})
    state = program.start(oracle)
    block.start = program.start_point(state)
    for k in range(statement.depth):
        state = _advance(statement, program, k, state, oracle, block)
    block.close(oracle)
    return [block]


def _program(statement: Statement) -> Program:
    parameters = {name: [rational(v) for v in values] for name, values in statement.parameters.items()}
    return PROGRAMS[statement.method](parameters, statement.depth)


def _advance(
    statement: Statement, program: Program, k: int, state: list[Vector], oracle: Oracle, block: Block
) -> list[Vector]:
    at_iterates = statement.output == "best residual"
    if at_iterates and k == 0:
        block.residuals[0] = program.residual(0, state)
    state = program.step(k, state, oracle)
    if at_iterates:
        block.residuals[k + 1] = program.residual(k + 1, state)
    if k < statement.depth - 1:
        block.right = state
        return state
    if statement.output == "distance":
        block.output = state[0]
    elif statement.output == "residual":
        block.output = program.residual(k + 1, state)
    elif statement.output == "gap":
        for component in statement.classes:
            # Douglas-Rachford evaluates g at its output one step earlier.
            seen = [*block.evaluations.values(), *oracle.evaluations]
            last = max((e for e in seen if e.component == component), key=lambda e: e.number)
            if last.point != state[0]:
                raise AssertionError(f"{statement.method}: {component} is not evaluated at the output")
    return state


def check(statement: Statement, proof: Multipliers) -> int:
    """Accept the proof, and return the bits of its largest pivot.

    Raises:
        Refused: It proves nothing; says why.
    """
    blocks = own_matrices(statement, proof)
    rate = rational(statement.rate)
    if statement.start == "distance":
        start = blocks[0].start
        assert start is not None
        blocks[0].add(rate, start, start)
    _add_couplings(proof, blocks)
    bits = 0
    for k, block in enumerate(blocks):
        definite, size = is_positive_semidefinite(block.S)
        if not definite:
            where = f"the matrix of step {k + 1}" if len(blocks) > 1 else "the matrix"
            raise Refused(f"{where} is not positive semidefinite")
        bits = max(bits, size)
    return bits


def own_matrices(statement: Statement, proof: Multipliers) -> list[Block]:
    """The blocks with their inequalities and the output, before couplings and the distance of the start enter.

    Raises:
        Refused: A multiplier is negative or belongs to no inequality, or function values do not cancel.
    """
    if statement.output == "best residual" and statement.method not in RESIDUAL_AT_ITERATES:
        raise Refused(f"residuals at the iterates of {statement.method} are not evaluated")
    if statement.start == "gap" and statement.method not in VALUE_AT_START:
        raise Refused(f"{statement.method} does not evaluate f at its start")
    if proof.form == "gram" and statement.depth > DEEPEST_GRAM:
        raise Refused(f"{statement.depth} steps in one matrix: use the chain form above {DEEPEST_GRAM}")
    for name, value in proof.values.items():
        if value < 0:
            raise Refused(f"the multiplier of {_label(name)} is negative")
    blocks = chain_blocks(statement) if proof.form == "chain" else gram_block(statement)
    _add_inequalities(statement, proof, blocks)
    last = blocks[-1]
    if last.output is not None:
        last.add(fmpq(-1), last.output, last.output)
    return blocks


def _label(name: Name) -> str:
    return f"({name[0]}, {name[1]}, {name[2]})"


def _add_inequalities(statement: Statement, proof: Multipliers, blocks: list[Block]) -> None:
    home = {key: k for k, block in enumerate(blocks) for key in block.new}
    balance: dict[tuple[str, int], fmpq] = {}

    def count(component: str, number: int, amount: fmpq) -> None:
        balance[component, number] = balance.get((component, number), fmpq(0)) + amount

    for name, value in proof.values.items():
        amount = rational(value)
        if amount == 0:
            continue
        component, i, j = name
        if component == "best":
            block = next((b for b in blocks if i in b.residuals), None)
            if block is None or j != STAR or not isinstance(i, int):
                raise Refused(f"there is no inequality {_label(name)}")
            block.add(-amount, block.residuals[i], block.residuals[i])
            count("best", 0, amount)
            continue
        if component == "error":
            block = next((b for b in blocks if i in b.errors), None)
            if block is None or i != j or not isinstance(i, int):
                raise Refused(f"there is no inequality {_label(name)}")
            e, g, delta = block.errors[i]
            block.add(amount, e, e)
            block.add(-amount * delta * delta, g, g)
            continue
        ends = [end for end in (i, j) if isinstance(end, int)]
        if component not in statement.classes or not ends or i == j or any((component, e) not in home for e in ends):
            raise Refused(f"there is no inequality {_label(name)}")
        block = blocks[max(home[component, e] for e in ends)]
        if any((component, e) not in block.evaluations for e in ends):
            raise Refused(f"{_label(name)} does not belong to one step: the chain form has no room for it")
        _add_row(statement, block, name, amount)
        if isinstance(j, int):
            count(component, j, amount)
        if isinstance(i, int):
            count(component, i, -amount)
    _balance(statement, home, balance)


def _add_row(statement: Statement, block: Block, name: Name, amount: fmpq) -> None:
    component, i, j = name
    c: FunctionClass = statement.classes[component]
    L = None if c.L is None else rational(c.L)
    mu = rational(c.mu)
    if INFIMUM in (i, j):
        if j != INFIMUM or not isinstance(i, int) or L is None or len(statement.classes) > 1:
            raise Refused(f"there is no inequality {_label(name)}")
        g = block.evaluations[component, i].gradient
        block.add(amount / (2 * L), g, g)
        return
    if STAR in (i, j) and mu < 0:
        raise Refused(f"{_label(name)} needs a minimiser, which a nonconvex function may lack")
    nothing = Vector()
    xi, gi = block.evaluations[component, i][2:] if isinstance(i, int) else (nothing, nothing)
    xj, gj = block.evaluations[component, j][2:] if isinstance(j, int) else (nothing, nothing)
    dx, dg = xi.plus(xj, -1), gi.plus(gj, -1)
    block.add(amount, gj, dx)
    if L is None:
        if mu != 0:
            block.add(amount * mu / 2, dx, dx)
        return
    factor = amount / (2 * (1 - mu / L))
    block.add(factor / L, dg, dg)
    if mu != 0:
        block.add(factor * mu, dx, dx)
        block.add(-2 * factor * mu / L, dg, dx)


def _balance(statement: Statement, home: dict[tuple[str, int], int], balance: dict[tuple[str, int], fmpq]) -> None:
    """Function values have to cancel."""

    def take(component: str, number: int, amount: fmpq | int) -> None:
        balance[component, number] = balance.get((component, number), fmpq(0)) + amount

    if statement.start == "gap":
        take("f", 0, rational(statement.rate))
    if statement.output == "gap":
        for component in statement.classes:
            take(component, max(number for name, number in home if name == component), -1)
    if statement.output == "best residual":
        take("best", 0, -1)
    for (component, number), amount in balance.items():
        if amount != 0:
            raise Refused(f"the values of {component} at evaluation {number} do not cancel")


def _add_couplings(proof: Multipliers, blocks: list[Block]) -> None:
    if len(proof.couplings) != len(blocks) - 1:
        raise Refused(f"there are {len(proof.couplings)} couplings for {len(blocks) - 1} states between steps")
    for k, triangle in enumerate(proof.couplings):
        block, after = blocks[k], blocks[k + 1]
        if len(triangle) != after.left:
            raise Refused(f"coupling {k} has {len(triangle)} rows for a state of {after.left} vectors")
        for r, row in enumerate(triangle):
            for c, entry in enumerate(row):
                value = rational(entry)
                if value == 0:
                    continue
                block.add(value if r == c else 2 * value, block.right[r], block.right[c])
                after.S[r][c] -= value
                if r != c:
                    after.S[c][r] -= value
