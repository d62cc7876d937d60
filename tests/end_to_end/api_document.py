# SPDX-License-Identifier: Apache-2.0
"""src/api/openapi.yaml, and whether an answer is what it says."""
import pathlib
import re

import yaml

FILE = pathlib.Path(__file__).resolve().parents[2] / "src/api/openapi.yaml"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_of_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Document:
    def __init__(self):
        self.all = yaml.safe_load(FILE.read_text())

    def follow(self, part):
        while "$ref" in part:
            found = self.all
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part

    def operations(self):
        """(method, path, operation) of each."""
        for path, methods in self.all["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def parameters(self, operation):
        return [self.follow(parameter) for parameter in operation.get("parameters", [])]

    def response(self, operation, status):
        """Content type and schema of a response; (None, None) where it has no body."""
        responses = operation["responses"]
        response = self.follow(responses.get(str(status), responses.get("default", {})))
        for content_type, content in response.get("content", {}).items():
            return content_type, content["schema"]
        return None, None

    def faults(self, schema, value, place="$"):
        """What of `value` is not as `schema` says, one line each."""
        schema = self.follow(schema)
        found = []
        for part in schema.get("allOf", []):
            found += self.faults(part, value, place)
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(is_of_type(value, name) for name in types):
            return found + [f"{place}: {value!r:.80} is not {' or '.join(types)}"]
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{place}: {value!r:.80} is none of {schema['enum']}")
        if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{place}: {value!r:.80} is not like {schema['pattern']}")
        if isinstance(value, dict):
            found += [f"{place}: {name} is missing" for name in schema.get("required", []) if name not in value]
            for name, part in schema.get("properties", {}).items():
                if name in value:
                    found += self.faults(part, value[name], f"{place}.{name}")
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value[:500]):
                found += self.faults(schema["items"], item, f"{place}[{i}]")
        return found
