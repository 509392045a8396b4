// Types and prototypes only. The library is opened at run time, after the kernel for this CPU has
// been chosen: OpenBLAS reads OPENBLAS_CORETYPE once, when it is loaded. Hence no `link` line in
// the module map.
#include <cblas.h>
