// Types and prototypes only. The library is opened at run time, after the kernel for this CPU has
// been chosen: OpenBLAS reads OPENBLAS_CORETYPE once, when it is loaded. Hence no `link` line in
// the module map.
#include <cblas.h>

typedef void (*starling_cblas_sgemm)(
    enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transa, enum CBLAS_TRANSPOSE transb, blasint m,
    blasint n, blasint k, float alpha, const float *a, blasint lda, const float *b, blasint ldb,
    float beta, float *c, blasint ldc);
