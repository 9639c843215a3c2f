"""The OpenAPI description against the handlers, in both directions."""

import json
import pathlib

import pytest

from mopidy_moodcam import web
from mopidy_moodcam.web import routes

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

FILE = pathlib.Path(web.__file__).parent / "openapi.json"
SPEC = json.loads(FILE.read_text())
OPERATIONS = [
    (path, method, operation)
    for path, item in SPEC["paths"].items()
    for method, operation in item.items()
]
POSTS = [(path, op) for path, method, op in OPERATIONS if method == "post"]
EXAMPLES = [
    pytest.param(path, example["value"], id=f"{path} {name}")
    for path, op in POSTS
    for name, example in op["requestBody"]["content"]["application/json"][
        "examples"
    ].items()
]


def check(value, schema):
    whole = {**schema, "components": SPEC["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def body_schema(holder):
    if "$ref" in holder:
        holder = SPEC["components"]["responses"][holder["$ref"].rpartition("/")[2]]
    return holder["content"]["application/json"]["schema"]


def test_the_description_names_each_address_and_no_other():
    ours = {**routes.API, **routes.SONGS}
    assert set(SPEC["paths"]) == {f"/{name}" for name in ours}
    for name, its in ours.items():
        known = {"get", "post"} if "command" in its else {"get"}
        assert set(SPEC["paths"][f"/{name}"]) == known, name


def test_every_schema_is_a_valid_one_and_is_used():
    text = FILE.read_text()
    for name, schema in SPEC["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        if name != "Status":
            assert f'"#/components/schemas/{name}"' in text, name


def test_the_server_hands_out_its_description(client):
    status, shown = client.get("api/openapi.json")
    assert status == 200
    assert shown == SPEC
    assert shown["openapi"].startswith("3.1")


@pytest.mark.parametrize("path", list(SPEC["paths"]))
def test_what_is_shown_is_as_described(client, path):
    status, shown = client.get(f"api{path}")
    assert status == 200
    check(shown, body_schema(SPEC["paths"][path]["get"]["responses"]["200"]))


@pytest.mark.parametrize("path", list(SPEC["paths"]))
@pytest.mark.parametrize(
    ("query", "host"), [("", "evil.example"), ("?strange", "localhost")]
)
def test_every_answer_to_a_get_is_described(client, path, query, host):
    answer, text = client.ask("GET", f"api{path}{query}", Host=host)
    described = SPEC["paths"][path]["get"]["responses"][str(answer.status)]
    check(json.loads(text), body_schema(described))


@pytest.mark.parametrize("name", ["limit", "offset"])
def test_the_bounds_of_a_page_are_as_described(client, name):
    parameters = SPEC["paths"]["/songs"]["get"]["parameters"]
    (schema,) = (p["schema"] for p in parameters if p["name"] == name)
    low, high = schema["minimum"], schema["maximum"]
    answers = [client.get(f"api/songs?{name}={n}")[0] for n in (low, high)]
    beyond = [client.get(f"api/songs?{name}={n}")[0] for n in (low - 1, high + 1)]
    assert (answers, beyond) == ([200, 200], [400, 400])


@pytest.mark.parametrize("song_mood", ["calm", "romantic"])
def test_songs_are_as_described(client, song_mood):
    _, shown = client.get(f"api/songs?song_mood={song_mood}")
    assert shown["songs"]
    check(shown, body_schema(SPEC["paths"]["/songs"]["get"]["responses"]["200"]))


@pytest.mark.parametrize(("path", "body"), EXAMPLES)
def test_every_example_is_valid_and_taken(client, path, body):
    operation = SPEC["paths"][path]["post"]
    check(body, body_schema(operation["requestBody"]))
    status, answer = client.post(f"api{path}", body)
    assert status == 202
    check(answer, body_schema(operation["responses"]["202"]))


@pytest.mark.parametrize(("path", "operation"), POSTS, ids=[path for path, _ in POSTS])
@pytest.mark.parametrize("body", [{"strange": 1}, {"on": "x"}, {"seconds": []}])
def test_what_the_description_forbids_the_handler_refuses(
    client, path, operation, body
):
    with pytest.raises(jsonschema.ValidationError):
        check(body, body_schema(operation["requestBody"]))
    status, answer = client.post(f"api{path}", body)
    assert status == 400
    check(answer, body_schema(operation["responses"]["400"]))
