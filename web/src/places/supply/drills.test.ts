import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barOf, clockText, corners, inText, minutesOf, people, resultOf, type DrillAnswer } from './drills.ts';

const answer = (state: DrillAnswer['state']): DrillAnswer => ({ inject: 1, person: 1, state, after_s: 0, worth: 1, earned: 0, lost: 0, answer: null, text: null, by: null, at: null, grade: null, note: null });

test('clocks in words', () => {
    assert.equal(clockText(6440), '01:47:20');
    assert.equal(clockText(-3), '00:00:00');
    assert.equal(inText(760), '12 min 40 s');
    assert.equal(inText(59.2), '1 min 0 s');
    assert.equal(inText(3700), '1 h 1 min');
    assert.equal(minutesOf(660), 11);
    assert.equal(minutesOf(661), 12);
});

test('what became of an inject is the worst of its answers', () => {
    assert.deepEqual(resultOf([answer('in_time'), answer('in_time')]), { level: 'ok', text: 'Met' });
    assert.deepEqual(resultOf([answer('in_time'), answer('late'), answer('very_late')]), { level: 'minor', text: '2 late' });
    assert.equal(resultOf([answer('late'), answer('missing')]).text, '1 missing');
    assert.equal(resultOf([answer('missing'), answer('open')]).text, 'Open');
    assert.equal(resultOf([answer('open'), answer('overdue')]).level, 'major');
    assert.equal(resultOf([answer('not_counted')]).text, 'Not counted');
    assert.deepEqual(['in_time', 'late', 'overdue', 'pending'].map((s) => barOf(s as DrillAnswer['state'])), ['ok', 'late', 'open', undefined]);
});

test('corners and people are read from what is typed', () => {
    assert.deepEqual(corners('38.2,140.9 39,-141.2'), [[38.2, 140.9], [39, -141.2]]);
    assert.ok(Number.isNaN(corners('38.2')[0]![1]));
    assert.deepEqual(people('ann, lead\n\nJ. Castellan, logistics\nBo'), [{ name: 'ann', role: 'lead' }, { name: 'J. Castellan', role: 'logistics' }, { name: 'Bo', role: '' }]);
});
