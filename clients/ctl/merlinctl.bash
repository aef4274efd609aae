# shellcheck shell=bash
# Completion of merlinctl in bash: commands, options, and what the daemon knows by name.

# What the daemon says, or nothing; never waits long.
_merlinctl_ask() {
  merlinctl "${endpoint[@]}" --timeout 0.5 "$@" 2>/dev/null
}

_merlinctl_names() {
  _merlinctl_ask request describe | sed -n "/\"$1\": \\[/,/^  \\]/p" | sed -n "s/^ *\"name\": \"\\([^\"]*\\)\".*/\\1/p"
}

_merlinctl_references() {
  _merlinctl_ask bragg references --json | grep -o '"name": *"[^"]*"' | sed 's/.*"\([^"]*\)"$/\1/'
}

_merlinctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word='' words='' i
  local endpoint=()
  local commands="analyse attach bragg calibration calibrations close command detach detector detectors discard discarded geometry get
    keep keygen lease log-level map measure note nudge open pattern ping profile put recompute record reference references
    remove-calibration remove-detector remove-reference request run runs samples save-bad-pixels save-calibration
    save-config save-gain series set shutdown start status stop view watch"
  local bragg_words="references measure use remove settings propose series injection-test null-test labels phase live-phase exclude"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    -e | --endpoint) endpoint=(-e "${COMP_WORDS[++i]}") ;;
    --*=* | -*) ;;
    *)
      if [ -n "$command" ]; then
        [ -n "$word" ] || word=${COMP_WORDS[i]}
      elif [[ " ${commands//$'\n'/ } " == *" ${COMP_WORDS[i]} "* ]]; then
        command=${COMP_WORDS[i]}
      fi
      ;;
    esac
  done
  case $previous in
  -o | --output | --positions | --key | --png | --svg)
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
    ;;
  --trigger) words="internal rising-ttl falling-ttl rising-lvds falling-lvds soft" ;;
  --preset) words="line-trigger pixel-trigger single-start soft internal" ;;
  --drift) words=$(_merlinctl_ask map --list) ;;
  --order) words="raster serpentine" ;;
  *)
    if [[ $current == -* ]]; then
      words=$(merlinctl --help 2>/dev/null | grep -o -- '--[a-z][a-z-]*' | sort -u)
    else
      case $command in
      '') words=$commands ;;
      get | set) words=$(_merlinctl_names parameters) ;;
      request) words=$(_merlinctl_names command_table) ;;
      map | watch) words=$(_merlinctl_ask map --list) ;;
      pattern) words="sum latest area= positions= class= phase= label= map= mean=true" ;;
      log-level) words="error warning notice info debug" ;;
      lease) words="take renew release tell" ;;
      bragg)
        case $word in
        '') words=$bragg_words ;;
        use | remove) words=$(_merlinctl_references) ;;
        phase | live-phase) words=$(_merlinctl_ask map --list) ;;
        labels) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
        esac
        ;;
      analyse) words="com icom live-icom profile correlation drift label-profiles label-patterns halo-maps" ;;
      put | keygen) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
      esac
    fi
    ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o default -F _merlinctl merlinctl
