"""The work of bench-trace with networkx: trace_peer.py FOLDER EVENTS ROUNDS. Reads the network that "bench-trace dump"
wrote; prints the median milliseconds of one event, from epicentre to products ranked by revenue, and what it found.

Intensities with numpy where it is installed, else with math; the way from sites to products with networkx.descendants.
It says which products are hit and ranks them by revenue; lost days by share are left out, which is less work.
"""
import json
import math
import statistics
import sys
import time

import networkx

try:
    import numpy
except ImportError:
    numpy = None
RADIUS, DEPTH, LEAST = 6371.0088, 12.0, 0.05


def read(folder):
    graph, revenue, ids, lat, lon = networkx.DiGraph(), {}, [], [], []
    with open(f"{folder}/sites.tsv", encoding="ascii") as file:
        for line in file:
            name, y, x = line.split("\t")
            ids.append(name)
            lat.append(math.radians(float(y)))
            lon.append(math.radians(float(x)))
    with open(f"{folder}/links.tsv", encoding="ascii") as file:
        for line in file:
            above, below = line.rstrip("\n").split("\t")
            if above[0].isdigit():
                revenue[below] = float(above) * 100
            else:
                graph.add_edge(above, below)
    return graph, revenue, ids, lat, lon


def probability(mag, km):
    near = -0.209 + 2.042 * math.exp(mag - 5)
    mmi = 2.085 + 1.428 * mag - 1.402 * math.log(math.hypot(km, near)) + (0.078 * math.log(km / 50) if km > 50 else 0)
    return 0.5 * math.erfc(-(mmi - 5) / (0.82 + 0.37 / (1 + (km / 22.9) ** 2)) / math.sqrt(2))


def reach(mag):
    """Distance within which the probability is high enough: it falls steadily."""
    low, high = 0.0, 20000.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(mag, math.hypot(middle, DEPTH)) >= LEAST else (low, middle)
    return low


def near_sites(ids, lat, lon, event):
    y, x, mag = math.radians(event[0]), math.radians(event[1]), event[2]
    limit = math.sin(reach(mag) / RADIUS / 2) ** 2
    if numpy is not None:
        h = numpy.sin((lat - y) / 2) ** 2 + math.cos(y) * numpy.cos(lat) * numpy.sin((lon - x) / 2) ** 2
        return [ids[i] for i in numpy.nonzero(h <= limit)[0]]
    return [ids[i] for i in range(len(ids))
            if math.sin((lat[i] - y) / 2) ** 2 + math.cos(y) * math.cos(lat[i]) * math.sin((lon[i] - x) / 2) ** 2 <= limit]


def ask(graph, revenue, sites):
    graph.add_node("event")
    graph.add_edges_from(("event", site) for site in sites if site in graph)
    products = [node for node in networkx.descendants(graph, "event") if node in revenue]
    graph.remove_node("event")
    return sorted(products, key=lambda p: -revenue[p])


def main():
    graph, revenue, ids, lat, lon = read(sys.argv[1])
    with open(sys.argv[2], encoding="ascii") as file:
        events = [tuple(float(word) for word in line.split()) for line in file]
    if numpy is not None:
        lat, lon = numpy.array(lat), numpy.array(lon)
    taken, most_sites, most_products = [], 0, 0
    for event in events[:int(sys.argv[3])]:
        begin = time.process_time()
        sites = near_sites(ids, lat, lon, event)
        products = ask(graph, revenue, sites)
        taken.append((time.process_time() - begin) * 1e3)
        most_sites, most_products = max(most_sites, len(sites)), max(most_products, len(products))
    print(json.dumps({"median_ms": statistics.median(taken), "worst_ms": max(taken), "most_sites": most_sites,
                      "most_products": most_products, "networkx": networkx.__version__,
                      "numpy": numpy.__version__ if numpy is not None else None}))


if __name__ == "__main__":
    main()
