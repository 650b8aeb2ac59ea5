"""Which trainable parameters enter a network with which layer."""

from __future__ import annotations

from torch.nn import Parameter

from unfold_theory.networks.base import UnfoldedNetwork


def parameters_by_layer(network: UnfoldedNetwork) -> list[list[Parameter]]:
    """For each layer, its trainable parameters that no earlier layer uses.

    What several layers share (a tied weight) therefore stands with the first of them: training it along with a new
    layer would change the layers before.
    """
    seen: set[int] = set()
    layers = []
    for k in range(network.depth):
        new = [p for p in network.layer_parameters(k) if p.requires_grad and id(p) not in seen]
        seen.update(id(p) for p in new)
        layers.append(new)
    return layers
