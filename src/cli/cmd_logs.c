#include "cli/logs.h"
#include "cli/send.h"

#define RANGE (FL_OPT_BIT(LAST) | FL_OPT_BIT(FROM) | FL_OPT_BIT(TO) | FL_OPT_BIT(DAY))
#define ASK   (FL_OPTS_TENANT | RANGE | FL_OPT_BIT(WHERE))

static const char filter_help[] =
    "FILTER: app:youtube  -user:j.doe  src:10.0.0.0/8  bytes>1M  url~\"cdn\"  dport:1000..2000\n"
    "  app:(youtube,netflix)  user:j.*  field:* (has a value)  flag:unparsed  not  or  ( )\n"
    "  and words without a field: anywhere in URL, message or raw line.";

static const char columns_help[] =
    "Columns: time received device site user src sport dst dport source destination srcnat proto\n"
    "  service app category action tag reason policy szone dzone in out session duration bytes up\n"
    "  down packets url path hostname domain urlcategory threat severity verdict message raw row,\n"
    "  or a name of the Elastic Common Schema. Filters take the same names:\n\n"
    "FILTER: app:youtube  -user:j.doe  src:10.0.0.0/8  bytes>1M  url~\"cdn\"  dport:1000..2000\n"
    "  app:(youtube,netflix)  user:j.*  field:* (has a value)  flag:unparsed  not  or  ( )";

const struct fl_command fl_cmd_logs[] = {
    {"top",
     "FIELD [FILTER...]",
     1,
     FL_ARGS_MAX,
     ASK | FL_OPT_BIT(BY) | FL_OPT_BIT(LIMIT),
     "the largest applications, websites, users ... of a time",
     filter_help,
     {"fairlead logs top app --last 1h --by bytes --where 'site:berlin'",
      "fairlead logs top domain 'user:j.doe' --last 7d --limit 30"},
     fl_logs_top},
    {"series",
     "FIELD [FILTER...]",
     1,
     FL_ARGS_MAX,
     ASK | FL_OPT_BIT(BY) | FL_OPT_BIT(LIMIT) | FL_OPT_BIT(STEP),
     "the same over time, drawn on a terminal",
     filter_help,
     {"fairlead logs series app --last 24h --step 15m",
      "fairlead logs series site 'app:youtube' --by sessions --json"},
     fl_logs_series},
    {"query",
     "[FILTER...]",
     0,
     FL_ARGS_MAX,
     ASK | FL_OPT_BIT(LIMIT) | FL_OPT_BIT(CURSOR) | FL_OPT_BIT(COLUMNS) | FL_OPT_BIT(ORIGINAL),
     "the newest rows that match",
     columns_help,
     {"fairlead logs query 'app:youtube bytes>100M url~\"cdn\"' --last 24h --limit 3",
      "fairlead logs query action:denied --columns time,src,dst,dport,policy"},
     fl_logs_query},
    {"tail",
     "[FILTER...]",
     0,
     FL_ARGS_MAX,
     FL_OPTS_TENANT | FL_OPT_BIT(WHERE) | FL_OPT_BIT(CURSOR) | FL_OPT_BIT(COLUMNS) |
         FL_OPT_BIT(ORIGINAL),
     "rows as they arrive, until Ctrl-C; goes on by itself after an interruption",
     columns_help,
     {"fairlead logs tail 'action:denied' --json | jq .source.ip",
      "fairlead logs tail site:berlin --columns time,device,app,domain"},
     fl_logs_tail},
    {"facets",
     "[FILTER...]",
     0,
     FL_ARGS_MAX,
     ASK | FL_OPT_BIT(LIMIT) | FL_OPT_BIT(COLUMNS),
     "the commonest values of several fields at once",
     filter_help,
     {"fairlead logs facets action:denied --last 1h",
      "fairlead logs facets --columns app,policy,dzone --limit 10"},
     fl_logs_facets},
    {"count",
     "[FILTER...]",
     0,
     FL_ARGS_MAX,
     ASK,
     "how many rows match",
     filter_help,
     {"fairlead logs count flag:unparsed --last 24h", "fairlead logs count user:j.doe --last 30d"},
     fl_logs_count},
    {"context",
     "ROW",
     1,
     1,
     FL_OPTS_TENANT | FL_OPT_BIT(LIMIT) | FL_OPT_BIT(COLUMNS) | FL_OPT_BIT(ORIGINAL),
     "the rows around one row of the same device",
     "ROW is what `logs query` shows in its column `row` (event.id in JSON).",
     {"fairlead logs context 2026-11-21.48211",
      "fairlead logs context 2026-11-21.48211 --limit 20 --original --json"},
     fl_logs_context},
    {"export",
     "[FILTER...]",
     0,
     FL_ARGS_MAX,
     ASK | FL_OPT_BIT(FORMAT) | FL_OPT_BIT(COLUMNS) | FL_OPT_BIT(ORIGINAL) | FL_OPT_BIT(CURSOR),
     "all rows that match, oldest first, as NDJSON or CSV",
     filter_help,
     {"fairlead logs export 'site:berlin' --day 2026-11-20 --format csv > berlin.csv",
      "fairlead logs export --last 7d --original | zstd > week.ndjson.zst"},
     fl_logs_export},
    {"purge",
     "[FIRST-DAY [LAST-DAY]]",
     0,
     2,
     FL_OPTS_TENANT | FL_OPT_BIT(DAY) | FL_OPT_BIT(FROM) | FL_OPT_BIT(TO) | FL_OPT_BIT(DRY_RUN) |
         FL_OPT_BIT(YES),
     "destroy the logs of days, keys first",
     "Days are the UTC days of receipt, both included: --day, or --from and --to, or as "
     "arguments.\n"
     "What is there is counted first, and asked for. No backup opens it afterwards.",
     {"fairlead logs purge --from 2026-11-01 --to 2026-11-10 --dry-run",
      "fairlead logs purge --day 2026-11-20 --tenant acme --yes"},
     fl_logs_purge},
    {"erase",
     "--user NAME | --ip ADDRESS | --where FILTER",
     0,
     0,
     FL_OPTS_TENANT | FL_OPT_BIT(USER) | FL_OPT_BIT(IP) | FL_OPT_BIT(WHERE) | FL_OPT_BIT(FROM) |
         FL_OPT_BIT(TO) | FL_OPT_BIT(DRY_RUN) | FL_OPT_BIT(YES),
     "erase one person: rows, sums, log and backups' keys, with a receipt",
     "Rows go that name the person as a whole word anywhere in the line, whatever the case: j.doe "
     "in\n"
     "CORP\\j.doe or j.doe@example.com, not in j.doe2. With --ip, rows with that address. Any of "
     "the\n"
     "conditions is enough. What was received before is erased; later rows are new data.",
     {"fairlead logs erase --user j.doe --dry-run",
      "fairlead logs erase --user j.doe --ip 10.12.4.77 --tenant acme --yes"},
     fl_logs_erase},
    {"receipts verify",
     "FILE",
     1,
     1,
     FL_OPT_BIT(FINGERPRINT),
     "check a receipt of an erasure; needs no server",
     "FILE (or -) holds the line that `logs receipts N --json` printed. --fingerprint is the key "
     "that\n"
     "it must be signed by, as `fairlead status --json` shows it.",
     {"fairlead logs receipts verify receipt.json",
      "fairlead logs receipts 7 --json | fairlead logs receipts verify -"},
     fl_logs_receipts_verify},
    {"receipts",
     "[N]",
     0,
     1,
     FL_OPTS_SERVER,
     "what was erased, what could not be, and why",
     NULL,
     {"fairlead logs receipts", "fairlead logs receipts 7 --json > receipt.json"},
     fl_logs_receipts},
    {"parse",
     "[FILE]",
     0,
     1,
     FL_OPT_BIT(ORIGINAL),
     "what the parsers make of a file, one JSON object a line; needs no server",
     "FILE (or -, or nothing: standard input) holds the bytes as received; counted and newline\n"
     "framing are told apart. Lines that no parser understood have error.message.",
     {"fairlead logs parse capture.log | jq -r 'select(.error) | .error.message'",
      "nc -l 5514 | fairlead logs parse -"},
     fl_logs_parse},
    {"send",
     "FILE --to HOST:PORT",
     1,
     1,
     FL_OPT_BIT(TO) | FL_OPT_BIT(CERT) | FL_OPT_BIT(KEY) | FL_OPT_BIT(CA) |
         FL_OPT_BIT(FINGERPRINT) | FL_OPT_BIT(RATE) | FL_OPT_BIT(COUNT_MAX) | FL_OPT_BIT(LOOP) |
         FL_OPT_BIT(FRAMING) | FL_OPT_BIT(PLAIN) | FL_OPT_BIT(UDP) | FL_OPT_BIT(RECORD_PER_LINE) |
         FL_OPT_BIT(CONNECTIONS),
     "send a file's lines to a listener, as a device does; also to bring past logs in",
     "FILE (or -: standard input) has a line each. It ends when the listener has read everything.\n"
     "--framing as-is sends the bytes of a recording as they are.",
     {"fairlead logs send old.log --to logs.example:6514 --cert cert.pem --key key.pem --ca ca.pem",
      "fairlead logs send old.log --to 127.0.0.1:514 --plain --framing newline --rate 1000"},
     fl_cmd_logs_send},
};
const size_t fl_cmd_logs_count = FL_LEN(fl_cmd_logs);
