import assert from 'node:assert/strict';
import { test } from 'node:test';
import { geoArea } from 'd3-geo';
import { drawable, middle, scaleBar, type Footprint } from './footprint.ts';

const box = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]];
const shape = (rings: number[][][]): Footprint => ({
    type: 'FeatureCollection',
    features: [{ type: 'Feature', properties: { kind: 'area' }, geometry: { type: 'Polygon', coordinates: rings } }]
});

test('a ring covers the smaller side whichever way it goes, and a hole stays a hole', () => {
    for (const ring of [box, [...box].reverse()]) {
        const area = geoArea(drawable(shape([ring]))[0]!.geometry as any);
        assert.ok(area > 0.02 && area < 0.05, `${area}`);
    }
    const hole = [[2, 2], [8, 2], [8, 8], [2, 8], [2, 2]];
    for (const inner of [hole, [...hole].reverse()]) {
        const area = geoArea(drawable(shape([box, inner]))[0]!.geometry as any);
        assert.ok(area > 0.015 && area < 0.025, `${area}`);
    }
});

test('points are drawn over tracks, tracks over areas, and what has no place is left out', () => {
    const kinds = drawable({
        type: 'FeatureCollection',
        features: (['centre', 'track', 'area'] as const).map((kind) => ({ type: 'Feature', properties: { kind }, geometry: { type: 'Point', coordinates: [1, 2] } as GeoJSON.Geometry }))
            .concat([{ type: 'Feature', properties: { kind: 'area' as any }, geometry: null as any }]) as Footprint['features']
    }).map((f) => f.properties.kind);
    assert.deepEqual(kinds, ['area', 'track', 'centre']);
});

test('the scale is a round length of about a third', () => {
    const bar = scaleBar([0, 0], [9, 0], 300)!;
    assert.equal(bar.km, 200);
    assert.ok(Math.abs(bar.px - 60) < 1);
    assert.equal(scaleBar([0, 0], [0, 0], 300), null);
});

test('the number of an event: at its centre, where a cyclone is now, else amid its areas', () => {
    const of = (...list: [string, GeoJSON.Geometry][]): any => ({ type: 'FeatureCollection', features: list.map(([kind, geometry]) => ({ type: 'Feature', properties: { kind }, geometry })) });
    const area: GeoJSON.Geometry = { type: 'Polygon', coordinates: [[[10, 10], [12, 10], [12, 12], [10, 12], [10, 10]]] };
    assert.deepEqual(middle(of(['area', area], ['centre', { type: 'Point', coordinates: [3, 4] }])), [3, 4]);
    assert.deepEqual(middle(of(['cone', area], ['track', { type: 'LineString', coordinates: [[1, 1], [2, 2]] }])), [2, 2]);
    assert.deepEqual(middle(of(['area', area]))!.map(Math.round), [11, 11]);
    assert.equal(middle(of()), null);
});
