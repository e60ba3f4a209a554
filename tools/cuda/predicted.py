"""Prints what tools/cuda/roofline.py predicts for lumivox beside what records of a GPU's bench have.

usage: predicted.py RECORD.json…
"""

import json
import pathlib
import sys

import roofline

sys.path.insert(0, str(roofline.ROOT / "tools/bench"))
import figures  # noqa: E402

DTYPES = {"lumivox-cuda": "f32", "lumivox-cuda-f16": "f16"}
GRAPHS = "-graphs"
# Of a segment whose launches are recorded.
RECORDED_LAUNCHES = {"kokoro": 4, "mms": 5, "piper": 5}


def gpu_of(record):
    """The GPU that predictions are made for; none if it is another one."""
    name = record["machine"].get("gpu", {}).get("name", "")
    return next((gpu for key, gpu in roofline.GPUS.items() if key in name), None)


def rows(record):
    """Each of lumivox's medians with the predictions for it: launched one by one, and as a graph."""
    gpu = gpu_of(record)
    for row in figures.table(record["rounds"]):
        dtype, case = DTYPES.get(row["engine"].removesuffix(GRAPHS)), (row["family"], row["case"])
        if dtype is None:
            continue
        known = gpu is not None and case in roofline.AUDIO_S
        predictions = [roofline.predicted_rtf(gpu, *case, dtype, record["batch"], launched) if known else None for launched in roofline.LAUNCH_S]
        yield row, dtype, predictions


def launches(record, row):
    """How many kernels were launched for an utterance, and how many were predicted; none where the engine did not say."""
    counted = [run["copies"]["launches"] for run in record["rounds"] if "copies" in run and all(run[key] == row[key] for key in ("family", "case", "engine"))]
    case = row["family"], row["case"]
    if case not in roofline.AUDIO_S:
        expected = None
    elif row["engine"].endswith(GRAPHS):
        expected = RECORDED_LAUNCHES[row["family"]] * len(list(roofline.segments(*case)))
    else:
        expected = sum(len(roofline.graphs.graph(row["family"], *segment)) for segment in roofline.segments(*case))
    # The first time a size is asked for it is recorded, which counts, too.
    return (counted[-1] if counted else None), expected


def shown(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sys.argv[1:]:
        record = json.loads(pathlib.Path(path).read_text())
        gpu = record["machine"].get("gpu", {}).get("name", "no GPU")
        print(f"\n{gpu}, {record['date']}, {record.get('batch', 1)} at once\n")
        print(roofline.header("text", "numbers", "measured RTF", "predicted, launches", "predicted, graph", "measured / predicted", "launches", "predicted launches"))
        for row, dtype, (one_by_one, as_graph) in rows(record):
            measured = row["rtf"]["median"]
            prediction = as_graph if row["engine"].endswith(GRAPHS) else one_by_one
            ratio = measured / prediction if prediction else None
            title = f"{roofline.NAMES[row['family']]}, {row['case']} characters{', graph' if row['engine'].endswith(GRAPHS) else ''}"
            counts = (shown(count, 0) for count in launches(record, row))
            print(roofline.row(title, dtype, f"{measured:.5f}", shown(one_by_one, 5), shown(as_graph, 5), shown(ratio, 2), *counts))


if __name__ == "__main__":
    main()
