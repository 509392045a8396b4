internal import Checkpoints
internal import Models

/// What the program takes besides model, adapter and passes: measured, not computed.
///
/// `Tests/interop/plan_check.sh` measures it and compares predictions with the peak of whole
/// processes.
public struct ProgramMemory: Hashable, Sendable {
    /// The program and its libraries, with what the product library keeps per thread.
    public var base: Int
    /// The tokenizer's bytes per entry of the vocabulary.
    public var perVocabularyEntry: Int
    /// Bytes of copies per value of the adapter, while it is written or exchanged.
    public var copiesPerParameter: Int
    /// Bytes of text, tokens and rows per byte of the data.
    public var perTextByte: Double

    /// `starling train`.
    public static let train = ProgramMemory(
        base: 34_000_000, perVocabularyEntry: 250, copiesPerParameter: 8, perTextByte: 4)
    /// `starling run`: the same with network, store, the state with its outer momentum, and the sums
    /// of others' updates.
    public static let node = ProgramMemory(
        base: 50_000_000, perVocabularyEntry: 250, copiesPerParameter: 40, perTextByte: 4)

    /// Makes constants.
    public init(
        base: Int,
        perVocabularyEntry: Int,
        copiesPerParameter: Int,
        perTextByte: Double
    ) {
        self.base = base
        self.perVocabularyEntry = perVocabularyEntry
        self.copiesPerParameter = copiesPerParameter
        self.perTextByte = perTextByte
    }

    /// The bytes with a vocabulary and data of that size.
    func byteCount(vocabularySize: Int, textByteCount: Int) -> Int {
        base + perVocabularyEntry * vocabularySize
            + Int((perTextByte * Double(textByteCount)).rounded())
    }
}
