"""Filters in all the forms in which clients write them."""

from urllib.parse import parse_qsl

import pytest
from werkzeug.datastructures import MultiDict

from app.jsonapi.errors import BadParameter
from app.jsonapi.parameters import Known
from app.jsonapi.query import includes_of, tags_of, text_of, texts_of

NAMES = ("q", "filter[names]", "filter[project][id]", "filter[current-run][status]", "filter[allowed_projects][name]")
TAGGED = ("filter[tagged][0][key]", "filter[tagged][0][value]")
KNOWN = Known((*NAMES, *TAGGED, "filter[organization]"), {"filter[organization][name]": "filter[organization]"})
STRICT = Known(("filter[role]",), is_strict=True)


def arguments(query: str) -> MultiDict[str, str]:
    return MultiDict(parse_qsl(query, keep_blank_values=True))


SAME = [
    ("filter[names]=a,b", "filter[names]", ["a", "b"]),
    ("filter[names]=a&filter[names]=b", "filter[names]", ["a", "b"]),
    ("filter[names][]=a&filter[names][]=b", "filter[names]", ["a", "b"]),
    ("filter[names][10]=c&filter[names][2]=b&filter[names][0]=a", "filter[names]", ["a", "b", "c"]),
    ("filter[names][]=a,b", "filter[names]", ["a", "b"]),
    ("filter[names]= a , b,, ", "filter[names]", ["a", "b"]),
    ("filter[names]=,%20", "filter[names]", None),
    ("filter[project][id][]=prj-1", "filter[project][id]", ["prj-1"]),
    ("filter[project_id]=prj-1", "filter[project][id]", ["prj-1"]),
    ("filter[current_run][status]=applied", "filter[current-run][status]", ["applied"]),
    ("filter[allowed-projects][name]=x", "filter[allowed_projects][name]", ["x"]),
    ("filter[organization][name]=acme", "filter[organization]", ["acme"]),
    ("filter[organization][name][0]=acme", "filter[organization]", ["acme"]),
    ("q[]=net", "q", ["net"]),
]


@pytest.mark.parametrize(("query", "name", "values"), SAME)
def test_a_filter_means_the_same_in_every_form(query: str, name: str, values: list[str] | None) -> None:
    assert texts_of(KNOWN.understand(arguments(query)), name) == values


PAIRS = [
    ("[0][key]=env&T[0][value]=prod", [("env", "prod")]),
    ("[0][key]=env&T[0][value]=", [("env", None)]),
    ("[][key]=env&T[][value]=prod", [("env", "prod")]),
    ("[][key]=env&T[][value]=prod&T[][key]=team&T[][value]=", [("env", "prod"), ("team", None)]),
    ("[][key]=env&T[][key]=team", [("env", None), ("team", None)]),
    ("[key]=env&T[value]=prod", [("env", "prod")]),
    ("[7][key]=team&T[7][value]=x&T[0][key]=env", [("env", None), ("team", "x")]),
    ("[99999999999999999999][key]=team", [("team", None)]),
]


@pytest.mark.parametrize(("query", "pairs"), PAIRS)
def test_what_has_the_same_number_belongs_together(query: str, pairs: list[tuple[str, str | None]]) -> None:
    assert tags_of(KNOWN.understand(arguments(f"T{query}".replace("T", "filter[tagged]")))) == pairs


REFUSED = [
    ("filter[names][first]=a", "filter[names][first]"),
    ("filter[names=a", "filter[names"),
    ("filter[names]]=a", "filter[names]]"),
    ("filter[project]=prj-1", "filter[project]"),
    ("filter[project][name]=x", "filter[project][name]"),
    ("filter[tagged]=env", "filter[tagged]"),
    ("filter[tagged][0]=env", "filter[tagged][0]"),
    ("filter[names]=a&filter[names][]=b", "filter[names][]"),
    ("filter[organization]=a&filter[organization][name]=b", "filter[organization][name]"),
    ("filter[tagged][][key]=env&filter[tagged][][key]=team&filter[tagged][][value]=x", "filter[tagged][][key]"),
    ("filter[tagged][0][key]=env&filter[tagged][][key]=team", "filter[tagged][0][key]"),
]


@pytest.mark.parametrize(("query", "parameter"), REFUSED)
def test_a_known_filter_is_never_ignored(query: str, parameter: str) -> None:
    with pytest.raises(BadParameter) as caught:
        KNOWN.understand(arguments(query))
    assert caught.value.parameter == parameter


@pytest.mark.parametrize("query", ["q=a&q=b", "q[]=a&q[]=b"])
def test_several_values_of_a_filter_with_one_are_refused(query: str) -> None:
    found = KNOWN.understand(arguments(query))
    with pytest.raises(BadParameter, match="q takes one value"):
        text_of(found, "q")
    assert text_of(KNOWN.understand(arguments("q=a&q=a")), "q") == "a"


def test_tags_without_a_key_and_too_many_of_them_are_refused() -> None:
    for query in ("filter[tagged][3][value]=prod", "&".join(f"filter[tagged][{n * 2}][key]=k{n}" for n in range(11))):
        with pytest.raises(BadParameter):
            tags_of(KNOWN.understand(arguments(query)))


def test_others_are_ignored_unless_the_list_is_strict() -> None:
    query = "filter[newer]=1&search[name]=x&TagBindings={ env prod}&page[number]=2&include=a&fields[x]=y"
    found = KNOWN.understand(arguments(query))
    assert not {*NAMES, *TAGGED} & set(found)
    for name in ("filter[newer]", "search[name]", "filter", "q", "q[]", "filter[role][x]"):
        with pytest.raises(BadParameter, match="this list knows: filter") as caught:
            STRICT.understand(arguments(f"{name}=1"))
        assert caught.value.parameter == name
    assert "page[size]" in STRICT.understand(arguments("page[size]=1&sort=name&include=x&wanted=1&filter[role][]=x"))


@pytest.mark.parametrize(
    "query", ["include=one-a,two", "include=one_a, two", "include=one_a&include=two", "include[]=one_a&include[1]=two"]
)
def test_includes_may_be_written_as_an_array(query: str) -> None:
    assert includes_of(arguments(query), ("one_a", "two")) == {"one_a", "two"}
    with pytest.raises(BadParameter):
        includes_of(arguments(query), ("one_a",))
