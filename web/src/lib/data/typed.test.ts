import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from './problem.ts';
import { typedNumber } from './typed.ts';

test('numbers as people type them', () => {
    assert.deepEqual(['', ' 12 ', '3,5', '-0.25'].map((t) => typedNumber(t, 'days')), [undefined, 12, 3.5, -0.25]);
    for (const wrong of ['many', '1e9', '1.2.3', '12 d'])
        assert.throws(() => typedNumber(wrong, 'days'), (e) => e instanceof Problem && e.field === 'days' && e.detail.includes(wrong));
});
