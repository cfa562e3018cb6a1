# shellcheck shell=bash
# What scripts/check-collection and scripts/targets share: a copy of the tree for ansible-test, which wants to live at
# .../ansible_collections/<namespace>/<name>. Sourced with $root set to the root of the clone and $copies to a folder
# for the copy; $tree is the copy then.

# shellcheck disable=SC2154  # root and copies: set by the script that sources this file
tree="$copies/ansible_collections/cloud_barista/cladnet"
export ANSIBLE_COLLECTIONS_PATH="$copies"
# shellcheck disable=SC2034  # python: what ansible-test gets as --python
python=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# keeps tests/output, where ansible-test keeps what it has learned; goes into the copy
copy_tree() {
  mkdir -p "$tree/tests"
  find "$tree" -mindepth 1 -maxdepth 1 ! -name .git ! -name tests -exec rm -rf {} +
  find "$tree/tests" -mindepth 1 -maxdepth 1 ! -name output -exec rm -rf {} +
  cd "$root" || return
  git ls-files -z --cached --others --exclude-standard --deduplicate |
    while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
    tar --null --files-from - --create | tar --extract --directory "$tree"
  cd "$tree" || return
  [ -d .git ] || git init --quiet
  git add --all
}

# ansible-test 2.19 fetches a script that installs pip, from a host that not every network reaches; pip can do it itself
provide_pip_bootstrap() {
  mkdir -p "$HOME/.ansible/test/cache"
  cp "$root/scripts/get_pip.py" "$HOME/.ansible/test/cache/get_pip_24_2.py"
}
