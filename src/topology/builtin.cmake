# The built-in topologies are YAML files; each becomes a string in the binary, so that no file is
# needed at run time. Editing one configures again.
set(builtin_dir ${CMAKE_CURRENT_LIST_DIR}/builtin)
file(GLOB builtin_files CONFIGURE_DEPENDS ${builtin_dir}/*.yaml)
set(TINET_BUILTIN_ENTRIES "")
foreach(builtin_file IN LISTS builtin_files)
  get_filename_component(builtin_name ${builtin_file} NAME_WE)
  file(READ ${builtin_file} builtin_text)
  string(APPEND TINET_BUILTIN_ENTRIES
    "    {\"${builtin_name}\", R\"yaml(${builtin_text})yaml\"},\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${builtin_file})
endforeach()
configure_file(${builtin_dir}/builtin_yaml.cc.in ${CMAKE_CURRENT_BINARY_DIR}/builtin_yaml.cc @ONLY)
if(TARGET tinet_topology)
  target_sources(tinet_topology PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/builtin_yaml.cc)
endif()
