# The network profiles are a YAML file that becomes a string in the binary, so that no file is needed
# at run time. Editing it configures again.
file(READ ${CMAKE_CURRENT_LIST_DIR}/profiles.yaml TINET_PROFILES)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/profiles.yaml)
configure_file(${CMAKE_CURRENT_LIST_DIR}/profiles_text.cc.in
               ${CMAKE_CURRENT_BINARY_DIR}/profiles_text.cc @ONLY)
if(TARGET tinet_cli)
  target_sources(tinet_cli PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/profiles_text.cc)
endif()
