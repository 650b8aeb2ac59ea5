"""Files: written whole, read strictly, refused in one clear line."""

import json
import pickle
from fractions import Fraction

import pytest

from tests.certificate.proofs import gradient_descent
from unfold_theory.certificate import Certificate, check
from unfold_theory.certificate.rationals import fraction, text
from unfold_theory.errors import InputError


@pytest.fixture
def certificate():
    return gradient_descent([Fraction(0.3), Fraction(0.9)]).certificate()


def test_files_go_out_and_come_back(certificate, tmp_path):
    path = certificate.save(tmp_path / "rate.json")
    assert Certificate.load(path) == certificate
    assert check(Certificate.load(path)).accepted
    assert path.stat().st_size < 4000
    assert [p.name for p in tmp_path.iterdir()] == ["rate.json"]
    with pytest.raises(InputError, match="cannot be written"):
        certificate.save(tmp_path / "no" / "rate.json")


@pytest.mark.parametrize(
    "number",
    [Fraction(0), Fraction(-7, 3), Fraction(0.1), Fraction(5e-324), Fraction(1e300), Fraction(1, 64), Fraction(10**50)],
)
def test_numbers_keep_their_value(number):
    assert fraction(text(number), "") == number


@pytest.mark.parametrize(
    "bad", ["", "1.5", "1e3", "nan", "inf", "0x10", " 1", "1/0", "1/-2", "--1", "01", "1*2^99999", 3]
)
def test_other_texts_are_no_numbers(bad):
    with pytest.raises(InputError, match="exact"):
        fraction(bad, "It")


def test_wrong_files_are_named(certificate, tmp_path):
    content = certificate.to_json()
    record = json.loads(content)
    cases = {
        "pickle": (pickle.dumps({"a": 1}), "binary|not JSON"),
        "empty": (b"", "not JSON"),
        "other": (b"[1, 2]", "no certificate"),
        "cut": (content[:-40].encode(), "not JSON"),
        "nan": (content.replace('"version": 1', '"version": NaN').encode(), "not exact"),
        "float": (content.replace('"version": 1', '"version": 1.0').encode(), "not exact"),
        "version": (json.dumps(record | {"version": 2}).encode(), "version"),
        "true": (json.dumps(record | {"version": True}).encode(), "version"),
        "more": (json.dumps(record | {"comment": "x"}).encode(), "comment"),
        "less": (json.dumps({k: v for k, v in record.items() if k != "proof"}).encode(), "proof"),
        "type": (json.dumps(record | {"proof": []}).encode(), "types"),
        "digest": (json.dumps(record | {"digest": "0" * 64}).encode(), "digest"),
        "twice": (content.replace('"version": 1', '"version": 1, "version": 1').encode(), "twice"),
        "deep": (b"[" * 100_000, "not JSON"),
        "accents": ("é".encode(), "binary|characters"),
    }
    for name, (data, words) in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError, match=words):
            Certificate.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        Certificate.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        Certificate.load(tmp_path)
    with pytest.raises(InputError, match="unknown"):
        check(Certificate("magic", {}, {}))
