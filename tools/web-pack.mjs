// web-pack.mjs DIR WEB MAX: puts a .gz twin beside every file of DIR that gains by it (but pages, which are small, and packed are
// what BREACH looks for), brings the API reference and the notices of the licences, and weighs the first load: page, entry, what
// the entry and the first place import, their styles, the fonts of Latin text. Over MAX bytes (gzipped) it fails. The same
// sources give the same bytes.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const [dir, web, max] = process.argv.slice(2);
const PACKED = /\.(js|css|svg|json|txt|yaml)$/;
const OPEN = readFileSync(join(web, 'src/app/places.ts'), 'utf8');

function files(folder) {
    return readdirSync(join(dir, folder), { withFileTypes: true }).flatMap((e) =>
        e.isDirectory() ? files(join(folder, e.name)) : [join(folder, e.name)]).sort();
}

// The packages whose code or fonts go out, with their licence texts.
function notices() {
    const names = Object.keys(JSON.parse(readFileSync(join(web, 'package.json'), 'utf8')).dependencies).sort();
    const parts = names.map((name) => {
        const at = join(web, 'node_modules', name);
        const info = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
        const text = readdirSync(at).filter((f) => /^(licen[sc]e|notice)/i.test(f)).sort().map((f) => readFileSync(join(at, f), 'utf8').trim()).join('\n\n');
        return `${name} ${info.version} (${info.license})\n\n${text}\n`;
    });
    writeFileSync(join(dir, 'licences.txt'), parts.join(`\n${'-'.repeat(78)}\n\n`));
}

// The API reference: Swagger UI from its package, started by a script of our own (the policy allows no inline one).
function reference() {
    const from = join(web, 'node_modules/swagger-ui-dist');
    const to = join(dir, 'docs');
    mkdirSync(to, { recursive: true });
    for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js']) cpSync(join(from, name), join(to, name));
    for (const name of ['index.html', 'start.js']) cpSync(join(web, 'docs', name), join(to, name));
    cpSync(join(web, '../api/openapi.yaml'), join(to, 'openapi.yaml'));
}

// Everything that a chunk of the manifest pulls in without being asked again.
function closure(manifest, key, seen = new Set()) {
    if (seen.has(key)) return seen;
    seen.add(key);
    for (const next of manifest[key].imports ?? []) closure(manifest, next, seen);
    return seen;
}

function firstLoad(manifest) {
    const entry = 'index.html';
    const first = /import\('\.\.\/(places\/[^']+)'\)/.exec(OPEN)?.[1];
    const keys = closure(manifest, entry);
    const place = Object.keys(manifest).find((k) => k === `src/${first}`);
    if (place) closure(manifest, place, keys);
    const out = new Set(['index.html']);
    for (const key of keys) {
        out.add(manifest[key].file);
        for (const css of manifest[key].css ?? []) out.add(css);
    }
    for (const file of files('assets')) if (/-latin-wght-normal.*\.woff2$/.test(file)) out.add(file);
    return [...out];
}

const manifest = JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8'));
rmSync(join(dir, 'manifest.json'));
notices();
reference();
for (const file of files('')) {
    if (!PACKED.test(file)) continue;
    const plain = readFileSync(join(dir, file));
    const packed = gzipSync(plain, { level: 9 });
    if (packed.length < plain.length) writeFileSync(join(dir, `${file}.gz`), packed);
}
let total = 0;
for (const file of firstLoad(manifest)) {
    const packed = join(dir, `${file}.gz`);
    const size = readFileSync(existsSync(packed) ? packed : join(dir, file)).length;
    total += size;
    console.log(`${String(size).padStart(8)}  ${file}`);
}
const text = `First load of the web interface: ${(total / 1024).toFixed(1)} KB gzipped (at most ${max / 1024})`;
if (total > Number(max)) {
    console.error(`${text}: too heavy. The files are listed above; load what is heavy with the place that shows it.`);
    process.exit(1);
}
console.log(`${text}.`);
