"""Holds documents against the validators of their formats: check.py KIND FILE... Says nothing where all is well."""

import io
import json
import sys


def spdx2(path):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    return [str(message) for message in validate_full_spdx_document(parse_file(path))]


def spdx3(path):
    import spdx_python_model

    with open(path) as file:
        _, objects = spdx_python_model.load_data(json.load(file))
    model, _ = spdx_python_model.load_data(json.load(open(path)))
    model.JSONLDSerializer().write(objects, io.BytesIO())  # checks what is required
    return [f"missing: {missing}" for missing in objects.missing_ids]


def cyclonedx(path):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    with open(path) as file:
        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read())
    return [] if error is None else [str(error)]


def provenance(path):
    import in_toto_attestation.predicates.provenance.v1.provenance_pb2 as predicate
    import in_toto_attestation.v1.statement_pb2 as message
    from google.protobuf import json_format
    from in_toto_attestation.v1.statement import Statement

    with open(path) as file:
        document = json.load(file)
    Statement.copy_from_pb(json_format.ParseDict(document, message.Statement())).validate()
    json_format.ParseDict(document["predicate"], predicate.Provenance())
    return []


def sarif(path):
    import glob
    import jsonschema
    import os
    import tarfile

    archive = glob.glob(os.path.join(os.environ["SCHEMAS"], "sarif_om-*.tar.gz"))[0]
    with tarfile.open(archive) as files:
        name = next(name for name in files.getnames() if "sarif-2.1.0" in name and name.endswith(".json"))
        schema = json.load(files.extractfile(name))
    with open(path) as file:
        log = json.load(file)
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(log)]


def junit(path):
    from junitparser import JUnitXml

    suites = JUnitXml.fromfile(path)
    tests = sum(1 for suite in suites for _ in suite)
    return [] if tests == suites.tests else [f"{suites.tests} tests are said, {tests} are there"]


def dsse(path):
    """An envelope that the keys in the files PATH.NAME.pub have signed, each of them."""
    import base64
    import glob
    import hashlib

    from cryptography.hazmat.primitives import serialization
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    keys = []
    for name in sorted(glob.glob(glob.escape(path) + ".*.pub")):
        with open(name, "rb") as file:
            public = serialization.load_pem_public_key(file.read())
        form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        blob = base64.b64decode(public.public_bytes(*form).split()[1])
        # The library wants to know which signature is by which key: kit names OpenSSH's fingerprint.
        fingerprint = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
        keys.append(SSlibKey.from_crypto(public, keyid="SHA256:" + fingerprint))
    with open(path) as file:
        envelope = Envelope.from_dict(json.load(file))
    try:
        envelope.verify(keys, threshold=len(keys))
    except VerificationError as error:
        return [str(error)]
    return [] if keys else ["no key is beside it"]


kind, *paths = sys.argv[1:]
wrong = [f"{path}: {message}" for path in paths for message in globals()[kind](path)]
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
