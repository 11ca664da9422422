"""supply_net.py SCALE FOLDER: a network of supply like the sample's (60 sites, 400 parts, 12 products), SCALE times, as
CSV, the same each time: what the simulation is measured on, and how it grows."""
import csv
import pathlib
import random
import sys

PLACES = [("TW", 24.8, 121.0), ("TW", 22.6, 120.3), ("JP", 35.6, 139.7), ("JP", 34.7, 135.5), ("JP", 39.3, 141.1),
          ("CN", 31.2, 121.5), ("CN", 22.5, 114.1), ("CN", 30.6, 104.1), ("KR", 37.3, 127.0), ("MY", 5.3, 100.3),
          ("TH", 14.4, 100.6), ("VN", 21.2, 106.1), ("PH", 14.3, 121.1), ("DE", 48.1, 11.6), ("DE", 51.0, 13.7),
          ("CZ", 49.2, 16.6), ("IT", 45.5, 9.2), ("US", 37.4, -121.9), ("US", 30.3, -97.7), ("MX", 20.7, -103.4)]


def table(folder, name, header, rows):
    with open(folder / name, "w", encoding="ascii", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def network(scale):
    rng = random.Random(417)
    sites, suppliers = 60 * scale, 36 * scale
    parts, boards, products = 400 * scale, 36 * scale, 12 * scale
    out = {name: [] for name in ("suppliers", "sites", "parts", "part_sites", "products", "bom")}
    for i in range(suppliers):
        out["suppliers"].append((f"s{i}", f"Supplier {i}", rng.choice(PLACES)[0], rng.choice((1, 1, 2, 3)), "maker"))
    for i in range(sites):
        country, lat, lon = rng.choice(PLACES)
        capacity = rng.randrange(4000, 9000) if rng.random() < 0.15 else ""
        alternate = f"f{rng.randrange(sites)}" if rng.random() < 0.2 else ""
        alternate = "" if alternate == f"f{i}" else alternate
        out["sites"].append((f"f{i}", f"s{i % suppliers}", f"Plant {i}", round(lat + rng.uniform(-0.4, 0.4), 4),
                             round(lon + rng.uniform(-0.4, 0.4), 4), country, "plant", rng.randrange(14, 120), capacity,
                             alternate, rng.randrange(14, 60) if alternate else ""))
    users = {}
    for i in range(products):
        demand = rng.randrange(5, 60)
        profit = rng.randrange(80, 900)
        out["products"].append((f"r{i}", f"Router {i}", "production", demand, profit, profit * 4, demand * rng.randrange(5, 20)))
        for board in rng.sample(range(boards), 4):
            users.setdefault(board, []).append(demand)
            out["bom"].append((f"r{i}", f"p{board}", 1))
    draw = [0.0] * parts
    for board in range(boards):
        draw[board] = sum(users.get(board, []))
        for part in rng.sample(range(boards, parts), 36):
            quantity = rng.choice((1, 1, 1, 2, 4))
            draw[part] += quantity * draw[board]
            out["bom"].append((f"p{board}", f"p{part}", quantity))
    for i in range(parts):
        out["parts"].append((f"p{i}", f"Part {i}", "board" if i < boards else "part",
                             int(draw[i] * rng.randrange(5, 60)), rng.randrange(5, 90)))
        where = rng.sample(range(sites), 1 if rng.random() < 0.65 else 2)
        for k, site in enumerate(where):
            out["part_sites"].append((f"p{i}", f"f{site}", (1.0,) if len(where) == 1 else (0.7, 0.3)[k], "yes", "customer", ""))
    out["part_sites"] = [tuple(c[0] if isinstance(c, tuple) else c for c in row) for row in out["part_sites"]]
    return out


def write(scale, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    heads = {"suppliers": "supplier_id,name,country,tier,kind",
             "sites": "site_id,supplier_id,name,lat,lon,country,activity,ttr_days,capacity_per_day,alternate_site_id,bring_up_days",
             "parts": "part_id,name,class,stock_units,lead_days", "part_sites": "part_id,site_id,share,qualified,source,verified_on",
             "products": "product_id,name,stage,demand_per_day,profit_per_unit,revenue_per_unit,stock_units",
             "bom": "parent_id,part_id,quantity"}
    for name, rows in network(scale).items():
        table(folder, name + ".csv", heads[name], rows)


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2])
