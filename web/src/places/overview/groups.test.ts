import { test } from 'node:test';
import assert from 'node:assert/strict';
import { age, grouped, held, type Alarm } from './groups.ts';

const alarm = (id: number, severity: Alarm['severity'], object: string): Alarm => ({
    id, severity, tenant: 't', kind: 'k', object: { type: 'device', id: object, name: object, site: null }, title: '', text: '',
    since: `2026-11-22T0${id}:00:00Z`, last: null, cleared: null, owner: null, acknowledged: false, muted_until: null, mute_reason: null, where: null
});

test('alarms of one object stand together, the worst first', () => {
    const list = grouped([alarm(1, 'minor', 'a'), alarm(2, 'critical', 'b'), alarm(3, 'major', 'a')]);
    assert.deepEqual(list.map((g) => [g.key, g.worst.severity, g.alarms.length]), [['device/b', 'critical', 1], ['device/a', 'major', 2]]);
});

test('while it is read nothing moves and new ones wait', () => {
    const one = alarm(1, 'minor', 'a');
    const two = alarm(2, 'minor', 'b');
    const got = held([one, two], [alarm(3, 'critical', 'c'), { ...two, owner: 'me' }]);
    assert.deepEqual(got.alarms.map((a) => [a.id, a.owner]), [[2, 'me']]);
    assert.equal(got.waiting, 1);
});

test('ages', () => {
    const now = Date.parse('2026-11-22T04:14:30Z');
    assert.equal(age('2026-11-22T02:00:00Z', now), '2:14');
    assert.equal(age('2026-11-18T02:00:00Z', now), '4 d');
    assert.equal(age(null, now), '–');
});
