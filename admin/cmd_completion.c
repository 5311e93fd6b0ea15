/* cmd_completion.c: tollgate completion: scripts for the shells. They are short: what may come next they ask of
 * `tollgate __complete` (complete.c), so that they know every command that this program knows. */
#include <stdio.h>
#include <string.h>
#include "admin/commands.h"
#include "admin/terminal.h"

static const char bash[] =
    "# bash completion for tollgate(1)                       -*- shell-script -*-\n"
    "_tollgate()\n"
    "{\n"
    "    local line current=${COMP_WORDS[COMP_CWORD]}\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "            :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
    "            :dirs) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
    "            *) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]}\" __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _tollgate tollgate\n";

static const char zsh[] =
    "#compdef tollgate\n"
    "# zsh completion for tollgate(1)\n"
    "_tollgate()\n"
    "{\n"
    "    local line\n"
    "    local -a found\n"
    "    for line in \"${(@f)$(\"${(Q)words[1]}\" __complete \"${(@Q)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
    "        case $line in\n"
    "            '') ;;\n"
    "            :files) _files; return ;;\n"
    "            :dirs) _files -/; return ;;\n"
    "            *) found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    _describe tollgate found\n"
    "}\n"
    "if [[ ${funcstack[1]} == _tollgate ]]; then\n"
    "    _tollgate \"$@\"\n"
    "else\n"
    "    compdef _tollgate tollgate\n"
    "fi\n";

static const char fish[] =
    "# fish completion for tollgate(1)\n"
    "function __tollgate_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l current (commandline -ct)\n"
    "    for line in (command $words[1] __complete $words[2..-1] \"$current\" 2>/dev/null)\n"
    "        switch $line\n"
    "            case ':files'\n"
    "                __fish_complete_path \"$current\"\n"
    "            case ':dirs'\n"
    "                __fish_complete_directories \"$current\"\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c tollgate -f -a '(__tollgate_complete)'\n";

static enum tg_code completion(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (strcmp(in->arg[0], scripts[i].shell) != 0)
            continue;
        if (in->json)
            *result = json_pack("{s:s, s:s}", "shell", scripts[i].shell, "script", scripts[i].script);
        else
            fputs(scripts[i].script, c->terminal->out);
        return TG_OK;
    }
    return tg_fail(err, TG_USAGE, "no completion for '%.40s': bash, zsh or fish", in->arg[0]);
}

const struct command cmd_completion = {
    .noun = "completion", .args = "bash|zsh|fish",
    .summary = "Print the completion of a shell: commands, options, and the usernames, domains and customers of the store, for who may "
               "read it. `make install` puts it where each shell looks.",
    .options = (const struct opt[]){ { 0 } },
    .example = "source <(tollgate completion bash)",
    .no_store = true, .no_settings = true,
    .run = completion,
};
