/* people.h - what the commands about people share: user, role, token, grant, department. */
#ifndef FL_CLI_PEOPLE_H
#define FL_CLI_PEOPLE_H

#include "cli/cli.h"

extern const struct fl_command fl_cmd_user[], fl_cmd_role[], fl_cmd_token[], fl_cmd_grant[];
extern const size_t fl_cmd_user_count, fl_cmd_role_count, fl_cmd_token_count, fl_cmd_grant_count;

/* Rows of the noun `tenant`. */
int fl_cli_department_list(struct fl_cli *cli);
int fl_cli_department_add(struct fl_cli *cli);
int fl_cli_department_remove(struct fl_cli *cli);

/* Whose people: a tenant's, or "" the operator's own. */
struct fl_cli_whose {
    char tenant[64], name[140];
    struct fl_cli_path base; /* "/api/v1/instance" or "/api/v1/tenants/T" */
};
/* word: "TENANT/NAME", "NAME@TENANT", "NAME" of --tenant, or without it of the operator; NULL: no
 * name. FL_EXIT_OK or an exit code. */
int fl_cli_whose(struct fl_cli *cli, const char *word, struct fl_cli_whose *ret);
/* base + "/users/" + encoded name; name NULL: the list; more: "/reset" or "". */
const char *fl_cli_people_path(const struct fl_cli_whose *whose, const char *noun, const char *name,
                               const char *more, struct fl_cli_path *ret);
/* Remove what the first word names, once that is sure: noun "roles", what "Role", and what becomes
 * of it, a sentence's end. */
int fl_cli_people_remove(struct fl_cli *cli, const char *noun, const char *what, const char *then);
/* "the operator's staff" or "tenant T". */
const char *fl_cli_whose_text(const struct fl_cli_whose *whose, char text[80]);
/* A JSON array of the words of a comma list. */
json_t *fl_cli_words(const char *list);
/* Strings of an array with commas between. */
void fl_cli_join(const json_t *array, char *text, size_t size);
/* "resource:read,set ..." of an object of arrays, into text. */
void fl_cli_rights(const json_t *rights, struct fl_buf *out);

#endif
