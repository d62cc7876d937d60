# DuckDB's C API: the distribution's libduckdb where it has one, else what tools/setup put below
# .cache/duckdb. Defines the target duckdb::duckdb and DUCKDB_LIBRARY (copied beside the program).
find_path(DUCKDB_INCLUDE_DIR duckdb.h PATHS ${CMAKE_SOURCE_DIR}/.cache/duckdb $ENV{SPOOR_DUCKDB_DIR})
find_library(DUCKDB_LIBRARY duckdb PATHS ${CMAKE_SOURCE_DIR}/.cache/duckdb $ENV{SPOOR_DUCKDB_DIR})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(duckdb_c
  REQUIRED_VARS DUCKDB_LIBRARY DUCKDB_INCLUDE_DIR
  FAIL_MESSAGE "DuckDB is missing: run tools/setup")
if(NOT TARGET duckdb::duckdb)
  add_library(duckdb::duckdb SHARED IMPORTED)
  set_target_properties(duckdb::duckdb PROPERTIES IMPORTED_LOCATION ${DUCKDB_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${DUCKDB_INCLUDE_DIR})
endif()
