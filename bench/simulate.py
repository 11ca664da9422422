"""simulate.py FOLDER YEARS: the years of `fairlead supply simulate` in plain Python, for the ratio: the same table of
rates over the same network, Poisson numbers of events, PERT, lognormal and geometric lengths, and a product that is
lost from the day on which the stock of a part that was made at a down site alone is used up, each product's days once.
Simpler than ours: no program, no shared capacity, no alternates, no other order of the same sites. Prints years a CPU second."""
import csv
import math
import pathlib
import random
import sys
import time

RATES = pathlib.Path(__file__).resolve().parent.parent / "data" / "event_rates.csv"
ASIA, EUROPE = {"TW", "JP", "CN", "KR", "MY", "TH", "VN", "PH", "IN", "SG"}, {"DE", "CZ", "IT", "FR", "NL", "PL", "AT"}


def rows(folder, name):
    with open(pathlib.Path(folder) / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rates():
    with open(RATES, encoding="ascii", newline="") as file:
        file.readline()
        return list(csv.DictReader(file))


def fits(region, country):
    if region == "*":
        return 1
    if len(region) == 2:
        return 3 if region == country else 0
    return 2 if country in {"Asia": ASIA, "Europe": EUROPE}.get(region, ()) else 0


def sources(sites):
    table, out = rates(), []
    for rate in table:
        def holds(site):
            best = fits(rate["region"], site["country"])
            return best > 0 and all(fits(r["region"], site["country"]) <= best for r in table if r["type"] == rate["type"])
        mine = [site for site in sites if holds(site)]
        groups = {}
        for site in mine:
            if rate["reach"] == "disc":
                groups[site["site_id"]] = [s for s in mine if near(s, site) <= 2 * float(rate["radius_km"])]
            else:
                key = {"site": "site_id", "supplier": "supplier_id", "country": "country"}[rate["reach"]]
                groups.setdefault(site[key], []).append(site)
        out += [(rate, seed, hit) for seed, hit in groups.items() if float(rate["per_year"]) > 0]
    return out


def near(a, b):
    lat = (float(a["lat"]) + float(b["lat"])) * math.pi / 360
    return math.hypot((float(a["lat"]) - float(b["lat"])) * 111.2, (float(a["lon"]) - float(b["lon"])) * 111.2 * math.cos(lat))


def survival(folder):
    """site -> {product: (days of stock, profit a day)}"""
    demand = {p["product_id"]: float(p["demand_per_day"]) for p in rows(folder, "products.csv")}
    profit = {p["product_id"]: float(p["profit_per_unit"]) * demand[p["product_id"]] for p in rows(folder, "products.csv")}
    product_stock = {p["product_id"]: float(p["stock_units"] or 0) for p in rows(folder, "products.csv")}
    parents, made = {}, {}
    for line in rows(folder, "bom.csv"):
        parents.setdefault(line["part_id"], []).append((line["parent_id"], float(line["quantity"])))
    for line in rows(folder, "part_sites.csv"):
        made.setdefault(line["part_id"], []).append(line["site_id"])

    stock = {part["part_id"]: float(part["stock_units"] or 0) for part in rows(folder, "parts.csv")}

    def draw(item):
        """product -> units a day, days of stock on the way"""
        if item in demand:
            return {item: (demand[item], product_stock[item] / demand[item])}
        total = {}
        for parent, quantity in parents.get(item, ()):
            for product, (units, days) in draw(parent).items():
                had = total.get(product, (0, math.inf))
                total[product] = (had[0] + units * quantity, min(had[1], days))
        whole = sum(units for units, _ in total.values())
        return {product: (units, days + stock[item] / whole) for product, (units, days) in total.items()}
    out = {}
    for part, sites in made.items():
        if len(sites) != 1:
            continue
        table = out.setdefault(sites[0], {})
        for product, (_, days) in draw(part).items():
            if product not in table or days < table[product][0]:
                table[product] = (days, profit[product])
    return out


def poisson(mean):
    n, p, limit = 0, random.random(), math.exp(-mean)
    while p > limit:
        n, p = n + 1, p * random.random()
    return n


def length(rate, site):
    times = float(site["ttr_days"]) if rate["unit"] == "ttr" else 1
    low, likely, high = (float(rate[c] or 0) * times for c in ("low", "likely", "high"))
    if rate["length"] == "pert":
        wide = high - low
        return low + wide * random.betavariate(1 + 4 * (likely - low) / wide, 1 + 4 * (high - likely) / wide)
    if rate["length"] == "lognormal":
        return random.lognormvariate(math.log(likely), math.log(high / likely) / 1.645)
    return math.ceil(math.log(random.random()) / math.log1p(-1 / likely))


def happen(source):
    rate, seed, hit = source
    reach = hit
    if rate["reach"] == "disc":
        radius = float(rate["radius_km"])
        r, angle = radius * math.sqrt(random.random()), random.uniform(0, 2 * math.pi)
        middle = next(s for s in hit if s["site_id"] == seed)
        at = {"lat": float(middle["lat"]) + r * math.sin(angle) / 111.2,
              "lon": float(middle["lon"]) + r * math.cos(angle) / 111.2 / math.cos(float(middle["lat"]) * math.pi / 180)}
        reach = [s for s in hit if near(s, at) <= radius]
        if random.random() * len(reach) >= 1:
            return
    begin = random.uniform(0, 365.25)
    for site in reach:
        if random.random() < float(rate["probability"]):
            yield site["site_id"], begin, begin + length(rate, site)


def year(world, stock):
    down = []
    for source in world:
        for _ in range(poisson(float(source[0]["per_year"]))):
            down += happen(source)
    spans = {}
    for site, begin, end in down:
        for product, (last, profit) in stock.get(site, {}).items():
            if end - begin > last:
                spans.setdefault(product, []).append((begin + last, end, profit))
    loss = 0.0
    for list_ in spans.values():
        until = -math.inf
        for begin, end, profit in sorted(list_):
            loss += max(0.0, end - max(begin, until)) * profit
            until = max(until, end)
    return loss


def main():
    folder, years = sys.argv[1], int(sys.argv[2])
    random.seed(417)
    world, stock = sources(rows(folder, "sites.csv")), survival(folder)
    begun = time.process_time()
    losses = [year(world, stock) for _ in range(years)]
    took = time.process_time() - begun
    print(f"mean {sum(losses) / years:.0f}", file=sys.stderr)
    print(f"{years / took:.1f}")


if __name__ == "__main__":
    main()
