#include "cli/complete.h"

#include <string.h>

#include "base/attr.h"

/* A row of the table that the scripts carry: "NOUN VERB|what it does|options, those with a value
 * end in =". The texts hold no quotes that a shell reads: they go through put_text(). */
static void put_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        if (*text != '\'' && *text != '|' && *text != ':')
            (void)fputc(*text, out);
}

static void put_row(const struct fl_noun *noun, const struct fl_command *command, FILE *out)
{
    (void)fprintf(out, "%s%s%s|", noun->noun, command->verb[0] == '\0' ? "" : " ", command->verb);
    put_text(command->brief, out);
    (void)fputc('|', out);
    for (int o = 0; o < FL_OPT_COUNT; o++) {
        bool value;
        const char *name = fl_args_option(command, (enum fl_opt)o, &value);

        if (name != NULL)
            (void)fprintf(out, "--%s%s ", name, value ? "=" : "");
    }
    (void)fputc('\n', out);
}

static void put_table(const struct fl_noun *nouns, size_t count, FILE *out)
{
    (void)fprintf(out, "_fairlead_rows='");
    for (size_t n = 0; n < count; n++)
        for (size_t c = 0; c < nouns[n].count; c++)
            put_row(&nouns[n], &nouns[n].commands[c], out);
    (void)fprintf(out, "'\n\n");
}

/* Both shells: from the words typed so far, the words that may follow, "WORD|what it is" a line. */
static const char follow[] =
    "_fairlead_follow()\n"
    "{\n"
    "    local typed=$1 name text options\n"
    "    while IFS='|' read -r name text options; do\n"
    "        [ -n \"$name\" ] || continue\n"
    "        case \"$typed \" in \"$name \"*)\n"
    "            for name in $(printf '%s' \"$options\"); do echo \"${name%=}|\"; done ;;\n"
    "        esac\n"
    "        case \"$name\" in \"$typed \"*|\"$typed\"?*)\n"
    "            [ -z \"$typed\" ] || [ \"${name#\"$typed \"}\" != \"$name\" ] || continue\n"
    "            name=${name#\"$typed\"}; name=${name# }\n"
    "            case \"$name\" in *' '*) text= ;; esac\n"
    "            echo \"${name%% *}|$text\" ;;\n"
    "        esac\n"
    "    done <<<\"$_fairlead_rows\" | sort -u -t'|' -k1,1\n"
    "}\n\n"
    "_fairlead_values()\n"
    "{\n"
    "    case $1 in\n"
    "    --tenant) fairlead tenant list --json 2>/dev/null |\n"
    "        sed -n 's/^{\"slug\":\"\\([^\"]*\\)\".*/\\1/p' ;;\n"
    "    --tz) echo 'local UTC' ;;\n"
    "    --format) echo 'ndjson csv' ;;\n"
    "    --by) echo 'bytes up down packets sessions seconds rows' ;;\n"
    "    esac\n"
    "}\n\n";

static const char bash_part[] =
    "_fairlead()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} typed= word found\n"
    "    COMPREPLY=()\n"
    "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
    "        case $word in -*) break ;; esac\n"
    "        typed=${typed:+$typed }$word\n"
    "    done\n"
    "    if [[ $prev == --* && $cur != -* ]] && grep -q -- \"$prev= \" <<<\"$_fairlead_rows\"; "
    "then\n"
    "        COMPREPLY=($(compgen -W \"$(_fairlead_values \"$prev\")\" -- \"$cur\"))\n"
    "        return\n"
    "    fi\n"
    "    found=$(_fairlead_follow \"$typed\" | cut -d'|' -f1)\n"
    "    [[ $cur == -* ]] || found=$(grep -v '^-' <<<\"$found\")\n"
    "    COMPREPLY=($(compgen -W \"$found\" -- \"$cur\"))\n"
    "}\n"
    "complete -o default -F _fairlead fairlead\n";

static const char zsh_part[] =
    "_fairlead()\n"
    "{\n"
    "    emulate -L zsh -o sh_word_split\n"
    "    local typed= word prev=${words[CURRENT - 1]} line\n"
    "    local -a found values\n"
    "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
    "        case $word in -*) break ;; esac\n"
    "        typed=\"${typed:+$typed }$word\"\n"
    "    done\n"
    "    if [[ $prev == --* && $words[CURRENT] != -* && $_fairlead_rows == *\"$prev= \"* ]]; then\n"
    "        values=($(_fairlead_values $prev))\n"
    "        if (( $#values )); then compadd -a values; else _files; fi\n"
    "        return\n"
    "    fi\n"
    "    while IFS='|' read -r word line; do\n"
    "        [[ $word != -* || $words[CURRENT] == -* ]] && found+=(\"$word:$line\")\n"
    "    done <<<\"$(_fairlead_follow \"$typed\")\"\n"
    "    if (( $#found )); then _describe fairlead found; else _files; fi\n"
    "}\n"
    "compdef _fairlead fairlead\n";

int fl_complete(const struct fl_noun *nouns, size_t count, const char *shell, FILE *out,
                struct fl_err *err)
{
    bool zsh = strcmp(shell, "zsh") == 0;

    if (!zsh && strcmp(shell, "bash") != 0)
        return fl_err_set(err, FL_E_INVAL, "'%.30s': completion is there for bash and zsh", shell);
    (void)fprintf(out, zsh ? "#compdef fairlead\n# Made by: fairlead completion zsh\n"
                           : "# Made by: fairlead completion bash\n");
    put_table(nouns, count, out);
    (void)fputs(follow, out);
    (void)fputs(zsh ? zsh_part : bash_part, out);
    return FL_OK;
}
