"""From runs to tables. A run is a dict with `work`, `variant`, `server`, `round` and what was measured."""

import math


def quantile(values, part):
    """Between neighbours as numpy and R do it by default: linear in rank."""
    values = sorted(values)
    if not values:
        return math.nan
    at = (len(values) - 1) * part
    low, high = values[math.floor(at)], values[math.ceil(at)]
    return low + (high - low) * (at - math.floor(at))


def median(values):
    return quantile(values, 0.5)


def spread(values):
    """The middle half: the first and the third quartile."""
    return quantile(values, 0.25), quantile(values, 0.75)


def shown(values, digits=2):
    """`median (first quartile–third quartile)`; only the value where there is one."""
    values = [value for value in values if not math.isnan(value)]
    if not values:
        return "–"
    middle = f"{median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    low, high = spread(values)
    return f"{middle} ({low:.{digits}f}–{high:.{digits}f})"


def ratios(runs, others, of):
    """`of` each run over `of` the other run of the same round: what drifts from round to round drops out."""
    by_round = {run["round"]: of(run) for run in others}
    pairs = [(of(run), by_round[run["round"]]) for run in runs if run["round"] in by_round]
    return [one / other for one, other in pairs if other > 0]


def table(head, rows):
    return "\n".join(["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows]]) + "\n"


def select(runs, **wanted):
    return [run for run in runs if all(run.get(key) == value for key, value in wanted.items())]


def unique(runs, key):
    return list(dict.fromkeys(run[key] for run in runs))


def of(key):
    return lambda run: run.get(key, math.nan)


def above_echo(runs):
    """The total time above the echo's of the same round and work, as a key of each run that has one."""
    echoes = {(run["work"], run["round"]): run["total_us"] for run in runs if run["server"] == "echo"}
    for run in runs:
        floor = echoes.get((run["work"], run["round"]))
        if floor is not None and run["server"] != "echo":
            run["above_us"] = run["total_us"] - floor


def cpu_table(runs):
    """CPU time a query by work and server, and how it compares with gdnsd's."""
    above_echo(runs)
    rows = []
    for work in unique(runs, "work"):
        reference = select(runs, work=work, server="gdnsd")
        for server in unique(select(runs, work=work), "server"):
            mine = select(runs, work=work, server=server)
            times = [shown([of(key)(run) for run in mine]) for key in ("total_us", "user_us", "above_us")]
            compared = ["–"] * 2
            if server != "echo":
                compared = [shown(ratios(mine, reference, of(key))) for key in ("user_us", "above_us")]
            shares = [median([of(key)(run) / scale for run in mine])
                      for key, scale in (("qps", 1000), ("server_busy", 0.01), ("server_waited", 0.01))]
            lost = sum(run["lost"] for run in mine)
            shares = [shown([share], 0) for share in shares]
            rows.append([work, server, *times, *compared, *shares, f"{lost:.0f}"])
    head = ["work", "server", "total µs", "user µs", "total − echo µs", "user ÷ gdnsd's", "(total − echo) ÷ gdnsd's",
            "1,000 q/s", "CPU %", "held up %", "lost"]
    return table(head, rows)


def start_table(runs):
    """Time to the first answer, and memory."""
    rows = [[work, server, shown([run["start_ms"] for run in mine], 0), shown([run["pss_mib"] for run in mine], 1)]
            for work in unique(runs, "work")
            for server in unique(select(runs, work=work), "server") if server != "echo"
            for mine in [select(runs, work=work, server=server)]]
    return table(["work", "server", "first answer after ms", "PSS MiB"], rows)


def paced_table(runs):
    """Waiting times at a fixed rate, quiet and busy."""
    rows = []
    for variant in unique(runs, "variant"):
        mine = select(runs, variant=variant)
        times = [shown([run[key] for run in mine], 1) for key in ("p50_us", "p99_us", "p999_us", "batch_us")]
        quiet = select(runs, variant="quiet")
        compared = [shown(ratios(mine, quiet, of(key))) for key in ("p99_us", "batch_us")]
        counts = [sum(run.get(key, 0) for run in mine) for key in ("sent", "lost", "changes", "scrapes", "reloads")]
        rows.append([variant, *times, *compared, *(f"{count:.0f}" for count in counts)])
    head = ["50,000 q/s", "p50 µs", "p99 µs", "p99.9 µs", "batch µs", "p99 ÷ quiet's", "batch ÷ quiet's", "sent", "lost",
            "verdicts changed", "scrapes", "reloads"]
    return table(head, rows)


def scale_table(runs, bases):
    """User time by size of the configuration, each over the small one it is compared with."""
    rows = []
    for variant in unique(runs, "variant"):
        mine, small = select(runs, variant=variant), select(runs, variant=bases[variant])
        rows.append([variant, *(shown([run[key] for run in mine]) for key in ("total_us", "user_us")),
                     shown(ratios(mine, small, of("user_us"))), shown([run["start_ms"] for run in mine], 0),
                     shown([run["pss_mib"] for run in mine], 1)])
    return table(["Windrose with", "total µs", "user µs", "user ÷ the small one's", "first answer after ms", "PSS MiB"], rows)


def tsv(runs):
    """All runs, a line each."""
    keys = list(dict.fromkeys(key for run in runs for key in run))
    def text(value):
        return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    lines = [keys, *([text(run.get(key, "")) for key in keys] for run in runs)]
    return "".join("\t".join(line) + "\n" for line in lines)
