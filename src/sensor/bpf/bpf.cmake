# The kernel half: compiled twice (read.h says why), stripped of debug information but not of BTF,
# and turned into headers that carry the object's bytes. No generated file is kept in git.
find_program(BPFTOOL bpftool PATHS /usr/sbin /sbin REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip llvm-strip-14 llvm-strip-19 REQUIRED)
file(GLOB SPOOR_BPF_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.h
     ${CMAKE_CURRENT_LIST_DIR}/*.bpf.c)
set(SPOOR_BPF_DIR ${CMAKE_CURRENT_LIST_DIR})
set(SPOOR_BPF_OUT ${CMAKE_CURRENT_BINARY_DIR}/bpf)
file(MAKE_DIRECTORY ${SPOOR_BPF_OUT})

function(spoor_bpf_object NAME)
  set(object ${SPOOR_BPF_OUT}/${NAME}.bpf.o)
  set(header ${SPOOR_BPF_OUT}/${NAME}.skel.h)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${SPOOR_BPF_CLANG} -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter
            -Werror -D__TARGET_ARCH_x86 ${ARGN} -I${CMAKE_SOURCE_DIR}/src
            -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -c ${SPOOR_BPF_DIR}/sensor.bpf.c -o ${object}
    COMMAND ${LLVM_STRIP} -g ${object}
    COMMAND ${BPFTOOL} gen skeleton ${object} name ${NAME} > ${header}
    DEPENDS ${SPOOR_BPF_SOURCES} ${CMAKE_SOURCE_DIR}/src/wire/kernel_event.h
            ${CMAKE_SOURCE_DIR}/src/wire/syscall_numbers.h
    COMMENT "Compiling the kernel half: ${NAME}"
    VERBATIM)
  target_sources(spoor_sensor PRIVATE ${header})
endfunction()

spoor_bpf_object(sensor_direct -DSPOOR_DIRECT)
spoor_bpf_object(sensor_portable)
target_include_directories(spoor_sensor SYSTEM PRIVATE ${SPOOR_BPF_OUT})
