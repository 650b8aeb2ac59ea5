"""What an unfolded network is: a start, one step per layer, and a readout."""

from __future__ import annotations

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from unfold_theory.errors import InputError, MissingStructure
from unfold_theory.methods import Method
from unfold_theory.networks.first_order import method_of_layers
from unfold_theory.networks.layers import AffineLayer, InstanceLayer
from unfold_theory.networks.system import System
from unfold_theory.networks.tensors import Number, exact, gather, numpy64

State = Any


class UnfoldedNetwork(torch.nn.Module, ABC):
    r"""``depth`` layers that map measurements y, shape (batch, m), to codes x, shape (batch, n).

    A subclass implements :meth:`step`, and :meth:`init` where its iteration carries more than x (momentum). What
    trains is a ``torch.nn.Parameter`` with ``requires_grad``; one entry per layer of a ``ParameterList`` or
    ``ModuleList`` of length ``depth`` belongs to that layer, everything else to all layers.

    Laws, tested on every registered network: layers run in order 0..depth-1; ``iterates(y)[k]`` does not depend on
    later layers; rows of a batch do not influence each other; nothing is random; ``from_config(config(),
    state_dict())`` is the same network.

    Networks are built in float64. ``network.float()`` is for training; fixed tensors keep their float64 values aside,
    so that ``network.float().double()`` rounds what was learned and nothing else.

    Args:
        dictionary: A, shape (m, n); fixed, never trained.
        depth: Number of layers K, at least 1.

    Raises:
        InputError: The depth is below 1, or the dictionary is not a finite matrix.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    paradigm: ClassVar[str] = "user-defined"
    accelerated: ClassVar[bool] = False
    """Whether layer k acts at a point extrapolated from earlier codes rather than at the last one."""
    adaptive: ClassVar[bool] = False
    """Whether what layer k does to a code depends on the signal, so that there are no ``affine_layers()``."""
    layered: ClassVar[tuple[str, ...]] = ()
    """Constructor options that are tensors and are stored under these names in ``state_dict()``."""
    dictionary: Tensor
    trained_on: np.ndarray | None = None
    """Dictionary that the weights were made for, where the network runs on another (``ada_lista.on_dictionary``)."""

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "title" not in cls.__dict__:
            cls.title = cls.__name__
        if "name" not in cls.__dict__:
            cls.name = cls.__name__.lower()

    def __init__(self, dictionary: Any, depth: int):
        super().__init__()
        self._fixed: dict[str, Tensor] = {}
        self._options: dict[str, Any] = {}
        matrix = exact(dictionary, "The dictionary")
        if matrix.ndim != 2:
            raise InputError(f"The dictionary has shape {tuple(matrix.shape)}", "Pass a matrix of shape (m, n)")
        if isinstance(depth, bool) or not isinstance(depth, int | np.integer) or depth < 1:
            raise InputError(f"A depth of {depth!r}", "Ask for at least one layer")
        self.depth = int(depth)
        self.register_fixed("dictionary", matrix)

    # -- to implement ----------------------------------------------------------------------------------------------
    def init(self, y: Float[Tensor, "batch m"]) -> State:
        """State before layer 0; zeros by default."""
        return y.new_zeros(y.shape[0], self.dictionary.shape[1])

    @abstractmethod
    def step(self, k: int, state: State, y: Float[Tensor, "batch m"]) -> State:
        """Layer k, counted from 0: the next state."""

    def readout(self, state: State) -> Float[Tensor, "batch n"]:
        """The code in a state; the state itself by default."""
        return state

    def affine_layers(self) -> list[AffineLayer]:
        """The layers in the form that bounds read.

        Raises:
            MissingStructure: The network's layers do not have this form.
        """
        raise MissingStructure(self.title, "bounds on affine layers with thresholds", "affine_layers()")

    def linear_maps(self, k: int) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n n"]]:
        r"""$W_1$ and $W_2$ of layer k as training sees them, differentiable in what trains.

        Raises:
            MissingStructure: The layer is not $\eta(W_1y+W_2x)$.
        """
        raise MissingStructure(self.title, "a Lipschitz penalty", "linear_maps(k)", "Train LISTA or a coupled network")

    def instance_layers(self, y: Float[Tensor, "batch m"]) -> list[InstanceLayer]:
        """The layers as they act on given measurements, for networks whose scalars depend on them.

        By default what :meth:`affine_layers` declares, the same for every measurement.

        Raises:
            MissingStructure: The layers do not have this form, or are not coupled.
        """
        layers = self.affine_layers()
        if not all(layer.coupled for layer in layers):
            raise MissingStructure(self.title, "bounds on coupled layers", "weights with W_2 = I - W_1 A")
        return [InstanceLayer.of_affine(layer, y.shape[0]) for layer in layers]

    def proximal_steps(self, lam: Number) -> Float64[np.ndarray, " depth"]:
        r"""The steps $t_k$ if layer k is exactly proximal gradient on the Lasso with weight ``lam``.

        The gradient is taken at the code, or at the extrapolated point where the network is ``accelerated``.

        Raises:
            MissingStructure: The layers are no proximal gradient steps for this weight.
        """
        raise MissingStructure(self.title, "a proximal gradient theorem", "proximal_steps(lam)")

    def as_method(self) -> Method:
        r"""The K-step first-order method that the network runs on $F(x)=\frac12\|Ax-y\|^2+\lambda\|x\|_1$.

        By default read off :meth:`affine_layers`: proximal gradient with steps $t_k=\gamma_k$ where every layer is
        $\eta_{\lambda t_k}(x+t_kA^T(y-Ax))$ for one $\lambda\ge0$.

        Raises:
            MissingStructure: It is no such method; the message says why, and in which layer.
        """
        try:
            layers = self.affine_layers()
        except MissingStructure as error:
            lacks = "layers of a gradient step and a soft threshold whose scalars are the same for every signal"
            raise MissingStructure(self.title, "worst-case rates of first-order methods", lacks) from error
        return method_of_layers(self.title, numpy64(self.dictionary), layers)

    def as_system(self) -> System:
        r"""The network as Lipschitz bounds read it: slopes in [0, 1], and an input that enters every layer.

        By default read off :meth:`affine_layers`.

        Raises:
            MissingStructure: The layers depend on the signal in other ways.
            InputError: A layer jumps (support selection, a negative threshold), and which one.
        """
        return System.of_affine_layers(self.affine_layers(), numpy64(self.dictionary), title=self.title)

    # -- building --------------------------------------------------------------------------------------------------
    @classmethod
    def for_problem(cls, problem: Any, depth: int, **options: Any) -> UnfoldedNetwork:
        """The network at its published initialisation for a problem.

        By default ``cls(problem.dictionary, depth, **options)``.
        """
        network = cls(problem.dictionary, depth, **options)
        network._options = options
        return network

    def config(self) -> dict[str, Any]:
        """JSON-able constructor options beside the tensors; ``from_config`` is its inverse.

        By default the depth and the options given to :meth:`for_problem`.

        Raises:
            InputError: The options are not JSON-able.
        """
        try:
            json.dumps(self._options)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The options of {self.title} cannot be stored as JSON: {error}", "Override config() and from_config()"
            ) from error
        return {"depth": self.depth, **self._options}

    @classmethod
    def from_config(cls, config: dict[str, Any], tensors: dict[str, Tensor]) -> UnfoldedNetwork:
        """Rebuild from ``config()`` and ``state_dict()``.

        Raises:
            InputError: The two do not describe a network of this class, or a tensor is not finite.
        """
        remedy = f"Load a checkpoint of {cls.title} that this version wrote, or train the network anew"
        given: dict[str, Any] = {name: gather(tensors, name) for name in cls.layered}
        try:
            options = inspect.signature(cls).bind(gather(tensors, "dictionary"), **config, **given)
        except TypeError as error:
            raise InputError(f"The configuration is not one of {cls.title}: {error}", remedy) from error
        network = cls(*options.args, **options.kwargs)
        network._options = {key: value for key, value in config.items() if key != "depth"}
        if missing := sorted(set(network.state_dict()) - set(tensors)):
            raise InputError(f"The tensor {missing[0]} is missing", remedy)
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise InputError(f"The tensors are not those of {cls.title}: {reason}", remedy) from error
        for name, tensor in tensors.items():
            exact(tensor, f"The tensor {name}")
        return network

    def layer_parameters(self, k: int) -> list[torch.nn.Parameter]:
        """What trains in layer k: its own parameters, then those that it shares with other layers."""
        own, shared = [], []
        for name, parameter in self.named_parameters():
            layer = self._layer_of(name) if parameter.requires_grad else -1
            if layer is None:
                shared.append(parameter)
            elif layer == k:
                own.append(parameter)
        return own + shared

    def _layer_of(self, name: str) -> int | None:
        module: Any = self
        for part in name.split("."):
            if isinstance(module, torch.nn.ParameterList | torch.nn.ModuleList) and len(module) == self.depth:
                return int(part)
            module = getattr(module, part)
        return None

    # -- fixed tensors ---------------------------------------------------------------------------------------------
    def register_fixed(self, name: str, value: Tensor) -> None:
        """A buffer that never trains; its float64 value survives changes of dtype and is what ``state_dict`` holds."""
        self._fixed[name] = value.detach().to(dtype=torch.float64, device="cpu").clone()
        self.register_buffer(name, self._fixed[name].clone())

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> UnfoldedNetwork:
        super()._apply(fn, recurse)
        for name, value in self._fixed.items():
            buffer = getattr(self, name)
            if not buffer.is_meta:
                buffer.copy_(value)
        return self

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name, value in self._fixed.items():
            destination[prefix + name] = value.clone()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        for name, value in self._fixed.items():
            loaded = state_dict.get(prefix + name)
            if loaded is not None and loaded.shape == value.shape:
                self._fixed[name] = loaded.detach().to(dtype=torch.float64, device="cpu").clone()

    # -- running ---------------------------------------------------------------------------------------------------
    def forward(self, y: Float[Tensor, "batch m"], depth: int | None = None) -> Float[Tensor, "batch n"]:
        """The code after ``depth`` layers (all by default).

        Raises:
            InputError: y is not (batch, m), there are fewer than ``depth`` layers, or the layers return other shapes.
        """
        layers = self._layers(y, depth)
        state = self.init(y)
        for k in layers:
            state = self.step(k, state, y)
        return self._code(state, y)

    def iterates(self, y: Float[Tensor, "batch m"], depth: int | None = None) -> Float[Tensor, "iterate batch n"]:
        """The codes at depth 0, 1, ..., K, stacked.

        Raises:
            InputError: As :meth:`forward`.
        """
        layers = self._layers(y, depth)
        state = self.init(y)
        codes = [self._code(state, y)]
        for k in layers:
            state = self.step(k, state, y)
            codes.append(self._code(state, y))
        return torch.stack(codes)

    def _layers(self, y: Tensor, depth: int | None) -> range:
        m = self.dictionary.shape[0]
        if y.ndim != 2 or y.shape[1] != m:
            raise InputError(f"Measurements of shape {tuple(y.shape)}", f"{self.title} reads rows of {m} measurements")
        if depth is not None and not 0 <= depth <= self.depth:
            raise InputError(
                f"{self.title} has {self.depth} layers, not {depth}", f"Ask for a depth from 0 to {self.depth}"
            )
        return range(self.depth if depth is None else depth)

    def _code(self, state: State, y: Tensor) -> Tensor:
        code = self.readout(state)
        expected = (y.shape[0], self.dictionary.shape[1])
        if not isinstance(code, Tensor) or tuple(code.shape) != expected:
            found = tuple(code.shape) if isinstance(code, Tensor) else type(code).__name__
            raise InputError(
                f"{self.title} returned {found} where codes of shape {expected} were due",
                "Correct its step(k, state, y), or override readout(state) if the state holds more than the code",
            )
        return code
