// Types and prototypes only. The library is opened at run time, so that one binary runs with and
// without it. Hence no `link` line in the module map.
#include <oneapi/dnnl/dnnl.h>

typedef dnnl_status_t (*starling_dnnl_sgemm)(
    char transa, char transb, dnnl_dim_t M, dnnl_dim_t N, dnnl_dim_t K, float alpha,
    const float *A, dnnl_dim_t lda, const float *B, dnnl_dim_t ldb, float beta, float *C,
    dnnl_dim_t ldc);

// Exported by the library beside the above, without a prototype in its header; the values are the
// bits of bfloat16.
typedef dnnl_status_t (*starling_dnnl_gemm_bf16)(
    char transa, char transb, dnnl_dim_t M, dnnl_dim_t N, dnnl_dim_t K, float alpha,
    const unsigned short *A, dnnl_dim_t lda, const unsigned short *B, dnnl_dim_t ldb, float beta,
    float *C, dnnl_dim_t ldc);
