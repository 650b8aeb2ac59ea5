import json
from fractions import Fraction

from tests.certificate.proofs import gradient_descent
from unfold_theory.cli import proofs

GOOD = gradient_descent([Fraction(0.5), Fraction(0.75)])
LOW = gradient_descent([Fraction(0.5), Fraction(0.75)], rate=Fraction(1, 8))


def test_certificates_are_checked(run, tmp_path):
    GOOD.certificate().save(tmp_path / "good.json")
    LOW.certificate().save(tmp_path / "low.json")
    result = run("prove", "good.json")
    assert result.exit_code == 0, result.output
    assert "proved by FLINT and SymPy" in result.stdout
    assert "1/7" in result.stdout
    result = run("prove", "good.json", "low.json")
    assert result.exit_code == 1
    assert "positive semidefinite" in result.stdout


def test_bad_files_give_one_line(run, tmp_path):
    record = json.loads(GOOD.certificate().to_json())
    (tmp_path / "changed.json").write_text(json.dumps(record | {"kind": "other"}))
    (tmp_path / "nan.json").write_text("[NaN]")
    (tmp_path / "pickle.json").write_bytes(b"\x80\x04N.")
    for name in ("changed.json", "nan.json", "pickle.json", "missing.json", "."):
        result = run("prove", name)
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
        assert "Error" in result.stderr


def test_proof_scripts_are_run(run, tmp_path, monkeypatch):
    folder = tmp_path / "proofs"
    folder.mkdir()
    monkeypatch.setattr(proofs, "FOLDER", folder)
    assert run("prove").exit_code == 2
    (folder / "check_true.py").write_text(
        '"""A sum."""\nimport pytest\n\n'
        '@pytest.mark.parametrize("n", [1, 2])\n'
        'def check_it(n):\n    """It holds."""\n    assert n + n == 2 * n\n'
    )
    result = run("prove")
    assert result.exit_code == 0, result.output
    assert "It holds." in result.stdout
    (folder / "check_wrong.py").write_text(
        '"""No sum."""\ndef check_it():\n    """One."""\n    assert 1 + 1 == 3, "no"\n'
    )
    result = run("prove")
    assert result.exit_code == 1
    assert "1 of 2 checks passed" in result.stdout
