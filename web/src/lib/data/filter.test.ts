import { test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { FIELDS } from './fields.ts';
import {
    condition, faultOf, fieldOffers, isMasked, networkOf, quote, removeTerm, terms, tokens, valueOffers, wantedAt, withTerm, withValue
} from './filter.ts';

const kinds = (text: string) =>
    tokens(text).filter((t) => t.kind !== 'blank').map((t) => `${t.kind} ${text.slice(t.start, t.end)}`);

test('tokens cover the text and know fields, operators, values', () => {
    for (const text of ['app:youtube site:berlin bytes>1M url~"a b"', '-(app:x or app:(a,"b c"))', 'free "te xt', '  ', 'nofield:x )('])
        assert.equal(tokens(text).map((t) => text.slice(t.start, t.end)).join(''), text);
    assert.deepEqual(kinds('app:youtube bytes>=1M'), ['field app', 'op :', 'value youtube', 'field bytes', 'op >=', 'value 1M']);
    assert.deepEqual(kinds('-user:"j \\" doe" or'), ['keyword -', 'field user', 'op :', 'value "j \\" doe"', 'keyword or']);
    assert.deepEqual(kinds('app:(a,b c) x'), ['field app', 'op :', 'value (a,b c)', 'word x']);
    assert.deepEqual(kinds('nope:x'), ['wrong nope', 'op :', 'value x']);
    assert.deepEqual(kinds('source.ip:fe80::1'), ['field source.ip', 'op :', 'value fe80::1']);
});

test('values are quoted where the language needs it', () => {
    assert.equal(quote('YOUTUBE'), 'YOUTUBE');
    assert.equal(quote('10.0.0.1'), '10.0.0.1');
    assert.equal(quote('user 7f3a9c01'), '"user 7f3a9c01"');
    assert.equal(quote('a"b\\c'), '"a\\"b\\\\c"');
    assert.equal(quote('or'), '"or"');
    assert.equal(quote('-x'), '"-x"');
    assert.equal(quote('a*'), '"a*"');
    assert.equal(quote(''), '""');
    assert.equal(condition('network.application', 'YOUTUBE'), 'app:YOUTUBE');
    assert.equal(condition('user', null), '-user:*');
});

test('a masked address is filtered by the half that shows', () => {
    assert.equal(networkOf('10.42.•.•'), '10.42.0.0/16');
    assert.equal(networkOf('2001:db8:1:•:•:•:•:•'), '2001:db8:1::/48');
    assert.equal(networkOf('•••'), null);
    assert.equal(condition('src', '10.42.•.•'), 'src:10.42.0.0/16');
    assert.ok(isMasked('user 7f3a9c01') && isMasked('10.42.•.•') && !isMasked('user smith'));
});

test('terms, adding and removing them', () => {
    const list = (text: string) => terms(text).map((t) => t.text);
    assert.deepEqual(list(''), []);
    assert.deepEqual(list('app:a  site:b and bytes>1'), ['app:a', 'site:b', 'bytes>1']);
    assert.deepEqual(list('not app:a -site:b'), ['not app:a', '-site:b']);
    assert.deepEqual(list('(app:a or app:b) site:c'), ['(app:a or app:b)', 'site:c']);
    assert.deepEqual(list('-(app:a or app:b) site:c'), ['-(app:a or app:b)', 'site:c']);
    assert.deepEqual(list('app:a or app:b'), ['app:a or app:b']);
    assert.deepEqual(list('app:(a, b) "two words"'), ['app:(a, b)', '"two words"']);
    assert.equal(removeTerm('app:a site:b bytes>1', 1), 'app:a bytes>1');
    assert.equal(withValue('app:a', 'site', 'b'), 'app:a site:b');
    assert.equal(withValue('app:a', 'app', 'a'), 'app:a');
    assert.equal(withValue('app:a site:b', 'app', 'a', true), 'site:b -app:a');
    assert.equal(withTerm('-app:a', 'app:a'), 'app:a');
    assert.equal(withValue('app:a or app:b', 'site', 'x'), '(app:a or app:b) site:x');
    assert.equal(withValue('', 'user', 'user 7f3a'), 'user:"user 7f3a"');
});

test('a fault of the server is shown at its place', () => {
    assert.deepEqual(faultOf('column 5: a value must follow', 'app: x'), { at: 4, text: 'a value must follow' });
    assert.deepEqual(faultOf('where: column 4: no', 'äb:'), { at: 2, text: 'no' });
    assert.equal(faultOf('too long', 'x'), null);
});

test('completion knows what is being typed', () => {
    assert.deepEqual(wantedAt('', 0), { kind: 'field', prefix: '', start: 0, end: 0 });
    assert.deepEqual(wantedAt('ap', 2), { kind: 'field', prefix: 'ap', start: 0, end: 2 });
    assert.deepEqual(wantedAt('app:', 4), { kind: 'value', field: 'app', prefix: '', start: 4, end: 4 });
    assert.deepEqual(wantedAt('x app:yo', 8), { kind: 'value', field: 'app', prefix: 'yo', start: 6, end: 8 });
    assert.deepEqual(wantedAt('app:"yo', 7), { kind: 'value', field: 'app', prefix: 'yo', start: 4, end: 7 });
    assert.equal(wantedAt('nope:x', 6), null);
    assert.equal(fieldOffers('ap')[0]!.insert, 'app:');
    assert.ok(fieldOffers('domain').some((o) => o.label === 'domain'));
    assert.deepEqual(valueOffers('app', 'you', [{ value: 'YOUTUBE', rows: 3 }, { value: 'SMB', rows: 2 }]),
        [{ insert: 'YOUTUBE ', label: 'YOUTUBE', hint: '3 rows' }]);
    assert.equal(valueOffers('flag', 'unp', [])[0]!.insert, 'unparsed ');
});

test('the fields are those of the server', (t) => {
    const source = new URL('../../../../src/codec/field.c', import.meta.url);
    if (!existsSync(source))
        return t.skip('the sources of the server are not here');
    const text = readFileSync(source, 'utf8');
    const names = [...text.matchAll(/\[FL_F_\w+\] =\s*\w+\(\s*"([^"]+)",\s*(?:"([^"]+)"|NULL)/g)].map((m) => [m[2] ?? m[1], m[1]]);
    assert.ok(names.length > 60);
    assert.deepEqual(FIELDS.map((f) => [f.name, f.ecs]), names);
});
