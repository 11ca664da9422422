/* Outlines of land and countries, fetched once each and shared by all maps of the page. */
import { feature, mesh } from 'topojson-client';
import type { Topology, GeometryCollection } from 'topojson-specification';
import coarseUrl from 'world-atlas/countries-110m.json?url';
import fineUrl from 'world-atlas/countries-50m.json?url';

export interface Land {
    land: GeoJSON.GeoJsonObject;
    borders: GeoJSON.GeoJsonObject;
}

const urls = { coarse: coarseUrl, fine: fineUrl };
const asked = new Map<string, Promise<Land>>();

/** coarse (110m) for the world, fine (50m) for what is near. */
export function outlines(detail: keyof typeof urls): Promise<Land> {
    let land = asked.get(detail);
    if (land === undefined) {
        land = fetch(urls[detail]).then((r) => r.json()).then((topology: Topology) => {
            const countries = topology.objects.countries as GeometryCollection;
            return {
                land: feature(topology, topology.objects.land as GeometryCollection) as GeoJSON.GeoJsonObject,
                borders: mesh(topology, countries, (a, b) => a !== b)
            };
        });
        land.catch(() => asked.delete(detail));
        asked.set(detail, land);
    }
    return land;
}
