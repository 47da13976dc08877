# Sourced by what makes the guest's files: functions to fill a directory that becomes an initramfs.

# new_image DIRECTORY: an empty root as the distributions have it, with /bin, /sbin, /lib in /usr.
new_image() {
  image=$1
  rm -rf "$image"
  mkdir -p "$image"/usr/{bin,sbin,lib,lib64}
  local name
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$image/$name"; done
}

# put_file FILE [PLACE]: FILE at the same path in the guest, or at PLACE; a symbolic link becomes what
# it stands for. Its directories can be searched by every user.
put_file() {
  local place=$image${2:-$1}
  mkdir -p "$(dirname "$place")"
  cp -L --preserve=mode "$1" "$place"
}

# put_libraries FILE...: the shared libraries that these programs need.
put_libraries() {
  local library
  while read -r library; do
    [ -e "$image$library" ] || put_file "$library"
  done < <(ldd "$@" 2>/dev/null | grep -oE '/[^ ]+' | grep -E '\.so' | sort -u)
}

# put_programs NAME...: programs of this machine, those that it has, with their libraries.
put_programs() {
  local name path paths=()
  for name in "$@"; do
    path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$name" || true)
    [[ $path == /* ]] || continue
    put_file "$path"
    paths+=("$path")
  done
  put_libraries "${paths[@]}"
}

# pack FILE: writes the directory as a cpio archive that belongs to root. Not compressed: unpacking
# would cost the emulated processor more than reading saves.
pack() {
  chmod -R u+rwX,go+rX,go-w "$image"
  (cd "$image" && find . -mindepth 1 -print0 | sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"$1.new"
  mv "$1.new" "$1"
  rm -rf "$image"
}
