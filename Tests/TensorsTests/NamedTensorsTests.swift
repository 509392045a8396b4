import Tensors
import Testing

@Suite struct NamedTensorsTests {
    @Test func `names are ordered by their UTF-8 bytes, not by locale`() {
        let tensor = FloatTensor(zeros: Shape([1]))
        let names = ["b", "a.10", "a.2", "Z", "\u{e9}", "a"]
        let tensors = NamedTensors(names.map { .init(name: $0, tensor: tensor) })
        #expect(tensors.names == ["Z", "a", "a.10", "a.2", "b", "\u{e9}"])
    }

    @Test func `every name is found and no other`() {
        let elements = (0..<40).map {
            NamedTensors.Element(
                name: "layers.\($0)",
                tensor: FloatTensor(shape: Shape([1]), values: [Float($0)])
            )
        }
        let tensors = NamedTensors(elements.reversed())
        for index in 0..<40 {
            #expect(tensors["layers.\(index)"]?.values == [Float(index)])
        }
        #expect(tensors["layers.40"] == nil)
        #expect(tensors[""] == nil)
    }

    @Test func `a shape whose element count overflows is no shape`() {
        #expect(Shape(checking: [Int.max, 2]) == nil)
        #expect(Shape(checking: [-1]) == nil)
        #expect(Shape(checking: [])?.elementCount == 1)
        #expect(Shape(checking: [3, 0, 5])?.elementCount == 0)
    }

    @Test func `the bytes of a quantised tensor follow from its blocks`() {
        #expect(ElementType.q4_1.byteCount(of: Shape([576, 576])) == 576 * 18 * 20)
        #expect(ElementType.q8_0.byteCount(of: Shape([2, 33])) == nil)
        #expect(ElementType.float32.byteCount(of: Shape([])) == 4)
    }
}
