import Kernels
import Testing

@Suite struct MatrixProductTests {
}
