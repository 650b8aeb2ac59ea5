"""A user's own network in a file given by path."""

import json
import textwrap

import pytest
import torch

from unfold_theory.errors import InputError
from unfold_theory.networks import build
from unfold_theory.networks.user_files import load_user_file, load_user_network, user_networks

HEAD = """
    import torch
    from unfold_theory.networks import UnfoldedNetwork
"""
GRADIENT = """
    class Gradient(UnfoldedNetwork):
        title = "My gradient descent"

        def __init__(self, dictionary, depth, step=0.1):
            super().__init__(dictionary, depth)
            self.steps = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(float(step))) for _ in range(depth)])
            self.scale = torch.nn.Parameter(torch.ones(()))

        def step(self, k, x, y):
            return x + self.scale * self.steps[k] * (y - x @ self.dictionary.T) @ self.dictionary
"""


@pytest.fixture
def write(tmp_path):
    def written(*parts, name="mine.py"):
        path = tmp_path / name
        path.write_text("".join(textwrap.dedent(part) for part in parts))
        return path

    return written


def test_a_subclass_with_step_is_enough(write, problem, y):
    cls = load_user_network(write(HEAD, GRADIENT))
    assert (cls.name, cls.title) == ("gradient", "My gradient descent")
    network = build(cls, problem, 4, step=0.2).double()
    matrix, code = torch.tensor(problem.dictionary), torch.zeros(len(y), problem.n, dtype=torch.float64)
    for _ in range(4):
        code = code + network.steps[0].detach() * (y - code @ matrix.T) @ matrix
    torch.testing.assert_close(network(y), code)
    twin = cls.from_config(json.loads(json.dumps(network.config())), network.state_dict()).double()
    assert torch.equal(twin(y), network(y))
    assert [id(p) for p in network.layer_parameters(2)] == [id(network.steps[2]), id(network.scale)]
    with pytest.raises(InputError, match="Its options are: step"):
        build(cls, problem, 4, pace=0.2)


def test_no_constructor_is_needed(write, problem, y):
    cls = load_user_network(
        write(HEAD, "class Zero(UnfoldedNetwork):\n    def step(self, k, x, y):\n        return x\n")
    )
    assert not build(cls, problem, 2)(y).any()


def test_an_edit_counts(write, problem, y):
    load_user_network(write(HEAD, GRADIENT))
    edited = load_user_network(write(HEAD, GRADIENT.replace("step=0.1", "step=0.0")))
    assert not build(edited, problem, 2).double()(y).any()


def test_several_in_one_file(write):
    path = write(HEAD, GRADIENT, GRADIENT.replace("class Gradient", "class Other"))
    assert set(user_networks(load_user_file(path))) == {"gradient", "other"}
    assert load_user_network(path, "other").name == "other"
    with pytest.raises(InputError, match="Choose one of gradient, other"):
        load_user_network(path)
    with pytest.raises(InputError, match="named 'third'"):
        load_user_network(path, "third")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no network"),
        ("from unfold_theory.networks import Ista\n", "defines no network"),
        ("class Half(UnfoldedNetwork):\n    pass\n", "Half in .* lacks step"),
        ("def f(:\n", "line 4: SyntaxError"),
        ("import no_such_package_anywhere\n", "line 4: ModuleNotFoundError"),
        ("1 / 0\n", "line 4: ZeroDivisionError"),
        ("raise SystemExit(3)\n", "line 4: SystemExit"),
    ],
)
def test_names_cause_and_remedy(write, text, message):
    with pytest.raises(InputError, match=message):
        load_user_network(write(HEAD, text))


def test_refuses_what_is_no_python_file(write, tmp_path):
    with pytest.raises(InputError, match="no file"):
        load_user_network(tmp_path / "absent.py")
    with pytest.raises(InputError, match="not a Python file"):
        load_user_network(write("x = 1", name="mine.txt"))
    with pytest.raises(InputError, match="not a Python file"):
        load_user_network(tmp_path)
    (tmp_path / "binary.py").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(InputError, match="does not import"):
        load_user_network(tmp_path / "binary.py")


def test_a_step_of_the_wrong_shape_is_reported(write, problem, y):
    cls = load_user_network(
        write(HEAD, "class Cut(UnfoldedNetwork):\n    def step(self, k, x, y):\n        return y\n")
    )
    with pytest.raises(InputError, match=r"Cut returned \(40, 15\) where codes of shape \(40, 30\)"):
        build(cls, problem, 2)(y)


def test_options_that_json_cannot_hold(write, problem):
    cls = load_user_network(write(HEAD, GRADIENT))
    network = build(cls, problem, 2, step=torch.tensor(0.1))
    with pytest.raises(InputError, match="Override config"):
        network.config()
