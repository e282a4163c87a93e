# Puts data files into the program, byte for byte.
#
# ispflash_embed(target symbol file...) adds to `target` a generated source that defines
#   const struct embedded_file <symbol>[];   sorted by file name
#   const size_t <symbol>_count;
# as declared for the user by include/core/embed.h. The target is ispflash_lib or a program, not the
# object library of a layer: that would keep the object to itself. Run as a script (cmake -P) this
# file writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
  set(arrays "")
  set(rows "")
  set(index 0)
  string(REPLACE "|" ";" files "${FILES}")
  foreach(file IN LISTS files)
    file(READ "${file}" hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
    get_filename_component(name "${file}" NAME)
    string(APPEND arrays "static const unsigned char file_${index}[] = {\n${bytes}0};\n")
    string(APPEND rows "    {\"${name}\", (const char *)file_${index}, sizeof file_${index} - 1},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "/* Generated from the files in ${FOLDER}. */\n"
    "#include \"core/embed.h\"\n\n"
    "extern const struct embedded_file ${SYMBOL}[];\nextern const size_t ${SYMBOL}_count;\n\n"
    "${arrays}\nconst struct embedded_file ${SYMBOL}[] = {\n${rows}};\n"
    "const size_t ${SYMBOL}_count = sizeof ${SYMBOL} / sizeof ${SYMBOL}[0];\n")
  return()
endif()

set(ISPFLASH_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(ispflash_embed target symbol)
  list(SORT ARGN)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
  list(GET ARGN 0 first)
  get_filename_component(folder "${first}" DIRECTORY)
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} "${folder}")
  string(REPLACE ";" "|" joined "${ARGN}")
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${joined}" -DOUTPUT=${output} -DSYMBOL=${symbol}
            -DFOLDER=${folder}/ -P ${ISPFLASH_EMBED_SCRIPT}
    DEPENDS ${ARGN} ${ISPFLASH_EMBED_SCRIPT} VERBATIM)
  # The rule above counts in this folder only, so the source is compiled here as well.
  add_library(embedded_${symbol} OBJECT ${output})
  target_include_directories(embedded_${symbol} PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:embedded_${symbol}>)
endfunction()
