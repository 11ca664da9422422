import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inputText, kindOf, rangeText, scoreText, steps, trendOf, type ScoreFactor } from './scores.ts';

const factor = (name: string, weight: number, x: number | null): ScoreFactor => ({ factor: name, title: name, weight, x, formula: '', inputs: [] });

test('the steps of the factors add up to the base', () => {
    const list = steps([factor('lead', 0.15, 0.4), factor('sourcing', 0.35, 1), factor('gap', 0.4, 0.5), factor('hazard', 0.25, null)]);
    assert.equal(list[0]!.factor.factor, 'sourcing');
    assert.ok(Math.abs(list.reduce((sum, s) => sum + s.points, 0) - 51.12) < 1e-9);
    assert.equal(list.at(-1)!.points, 0, 'what is not known takes nothing');
});

test('texts', () => {
    assert.equal(scoreText(null), 'not known');
    assert.equal(scoreText(51.12), '51.1');
    assert.equal(rangeText({ low: 35, high: 61, missing: 0 }), '');
    assert.equal(rangeText({ low: 35, high: 61, missing: 0.2 }), '35.0 to 61.0');
    assert.equal(inputText(null, 'no exposure'), 'no exposure');
    assert.equal(inputText('active', null), 'active');
    assert.equal(kindOf('nonsense'), 'component');
    assert.deepEqual(trendOf([{ score: 1 }, { score: null }, { score: 3 }]), [1, 3]);
});
