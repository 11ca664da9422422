/* Footprints of events for a map: rings the way round that d3-geo wants, what to show of them, how far it is. */
import { geoArea, geoCentroid, geoDistance } from 'd3-geo';

export const EARTH_KM = 6371.0088;

/** What stands in a feature's properties. */
export interface Trait {
    /** area, cone, circle, band (of intensity), track, forecast, centre */
    kind: string;
    /** "V", "VI" */
    label?: string;
    /** 0 weakest */
    level?: number;
}
export type Footprint = GeoJSON.FeatureCollection<GeoJSON.Geometry | null, Trait>;
type Feature = Footprint['features'][number];

/* On a sphere a ring says what is inside by its direction; more than half the world was never meant. */
function ring(coordinates: GeoJSON.Position[], hole: boolean): GeoJSON.Position[] {
    const area = geoArea({ type: 'Polygon', coordinates: [coordinates] });
    const outside = area <= 2 * Math.PI;
    return outside !== hole ? coordinates : [...coordinates].reverse();
}

function turned(geometry: GeoJSON.Geometry): GeoJSON.Geometry {
    if (geometry.type === 'Polygon')
        return { type: 'Polygon', coordinates: geometry.coordinates.map((r, i) => ring(r, i > 0)) };
    if (geometry.type === 'MultiPolygon')
        return { type: 'MultiPolygon', coordinates: geometry.coordinates.map((p) => p.map((r, i) => ring(r, i > 0))) };
    return geometry;
}

/** Ready to draw: larger and weaker first, tracks over areas, points last. */
export function drawable(footprint: Footprint | null | undefined): Feature[] {
    const order = ['area', 'cone', 'circle', 'band', 'track', 'forecast', 'centre'];
    return (footprint?.features ?? [])
        .flatMap((f): Feature[] => (f.geometry === null ? [] : [{ ...f, geometry: turned(f.geometry) }]))
        .sort((a, b) => order.indexOf(a.properties.kind) - order.indexOf(b.properties.kind) || (a.properties.level ?? 0) - (b.properties.level ?? 0));
}

/** A round length that is about a third of `width_px` on the map, and its pixels there. */
export function scaleBar(a: [number, number], b: [number, number], width_px: number): { km: number; px: number } | null {
    const across = geoDistance(a, b) * EARTH_KM;
    if (!Number.isFinite(across) || across <= 0)
        return null;
    const want = across / 3;
    const power = 10 ** Math.floor(Math.log10(want));
    const km = [5, 2, 1].map((n) => n * power).find((n) => n <= want) ?? power;
    return { km, px: (km / across) * width_px };
}

/** Where the event's number goes on a map: its centre, where a cyclone is now, or the middle of its areas. */
export function middle(footprint: Footprint | null | undefined): [number, number] | null {
    const features = drawable(footprint);
    const centre = features.find((f) => f.properties.kind === 'centre')?.geometry;
    if (centre?.type === 'Point')
        return [centre.coordinates[0]!, centre.coordinates[1]!];
    const track = features.find((f) => f.properties.kind === 'track')?.geometry;
    const now = track?.type === 'LineString' ? track.coordinates.at(-1) : undefined;
    if (now)
        return [now[0]!, now[1]!];
    const at = geoCentroid({ type: 'FeatureCollection', features } as never);
    return features.length > 0 && at.every(Number.isFinite) ? at : null;
}
