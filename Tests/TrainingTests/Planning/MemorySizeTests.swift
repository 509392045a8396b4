import Testing
import Training

@Suite struct MemorySizeTests {
    @Test(arguments: [
        ("250MB", 250_000_000), ("1.5GB", 1_500_000_000), ("300MiB", 314_572_800),
        ("2 GB", 2_000_000_000), ("1", 1), ("0.5kB", 500), ("7B", 7), ("1gib", 1 << 30),
        ("2TB", 2_000_000_000_000),
    ])
    func `sizes are read as people write them`(text: String, byteCount: Int) {
        #expect(MemorySize(text)?.byteCount == byteCount)
    }

    @Test(arguments: [
        "", "MB", "-1MB", "1e3", "0", "0.4", "12XB", "1.2.3MB", "1,5GB", "٣MB", "inf", "9999999TB",
    ])
    func `what is no size of memory is refused`(text: String) {
        #expect(MemorySize(text) == nil)
    }

    @Test func `a size is written so that it reads back`() {
        for byteCount in [1, 999, 1_000, 250_000_000, 1_500_000_000, 314_572_800] {
            let size = MemorySize(byteCount: byteCount)
            #expect(MemorySize(size.description) == size, "\(size)")
        }
        #expect(MemorySize(byteCount: 250_000_000).description == "250MB")
        #expect(MemorySize(byteCount: 187_400_000).rounded == "187 MB")
        #expect(MemorySize(byteCount: 1_540_000_000).rounded == "1.5 GB")
    }
}
