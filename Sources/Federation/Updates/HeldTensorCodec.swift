internal import Tensors

/// The part of a tensor that a member holds, as the second layout of update objects has it.
extension CanonicalWriter {
    private static let noAxis: UInt8 = 255

    /// Writes everything that follows a tensor's shape.
    mutating func write(held tensor: AdapterUpdate.RingTensor) {
        write(tensor.axis.map(UInt8.init) ?? Self.noAxis)
        write(prefixed: Self.mask(of: tensor.held))
        write(count: tensor.weight)
        write(tensor.form.rawValue)
        guard tensor.form != .ring32 else {
            write(littleEndianWords: tensor.words)
            return
        }
        write(littleEndianWords: tensor.steps)
        var numbers: [UInt8] = []
        numbers.reserveCapacity(tensor.words.count)
        tensor.held.forEach { element, _, slice in
            numbers.append(
                UInt8(
                    truncatingIfNeeded: Int32(bitPattern: tensor.words[element])
                        / Int32(bitPattern: tensor.steps[slice])))
        }
        write(raw: tensor.form == .int8 ? numbers : Self.halves(numbers))
    }

    private static func mask(of held: HeldShape) -> [UInt8] {
        guard let directions = held.directions else { return [] }
        var mask = [UInt8](repeating: 0, count: (held.extent + 7) / 8)
        for direction in directions { mask[direction / 8] |= 1 << (direction % 8) }
        return mask
    }

    private static func halves(_ numbers: [UInt8]) -> [UInt8] {
        stride(from: 0, to: numbers.count, by: 2).map { index in
            let high = index + 1 < numbers.count ? numbers[index + 1] : 0
            return numbers[index] & 15 | high << 4
        }
    }
}

extension CanonicalReader {
    /// The greatest extent along which a tensor may be held in part: the greatest rank.
    private static let directionCountMax = 1024

    /// Reads what follows a tensor's name in the second layout, or passes over its elements and
    /// returns `nil`; what no writer makes is refused.
    mutating func readHeldTensor(
        name: String, isWanted: Bool
    ) throws(CanonicalError) -> AdapterUpdate.RingTensor? {
        let shape = try readShape(rankMax: AdapterUpdateCodec.rankMax)
        let held = try readHeldShape(of: shape)
        let weight = Int(try read(UInt32.self))
        guard let form = WireForm(rawValue: try read(UInt8.self)) else {
            throw .malformed(offset: offset - 1)
        }
        guard isWanted else {
            guard held.elementCount / 2 <= remainingCount else {
                throw .truncated(offset: offset)
            }
            try skip(
                rawCount: form.byteCount(
                    elementCount: held.elementCount, stepCount: held.heldCount))
            return nil
        }
        guard let magnitudeMax = form.magnitudeMax else {
            let words = try readLittleEndianWords(count: held.elementCount)
            return AdapterUpdate.RingTensor(
                name: name, held: held, weight: weight, form: form, steps: [], words: words)
        }
        let start = offset
        let steps = try readLittleEndianWords(count: held.heldCount)
        // No number times its step leaves the signed words.
        guard steps.allSatisfy({ $0 > 0 && Int64($0) * magnitudeMax <= Int64(Int32.max) }) else {
            throw .malformed(offset: start)
        }
        let numbers = try readNumbers(
            count: held.elementCount, form: form, magnitudeMax: magnitudeMax)
        var words: [UInt32] = []
        words.reserveCapacity(numbers.count)
        held.forEach { element, _, slice in
            words.append(
                UInt32(bitPattern: Int32(numbers[element]) * Int32(bitPattern: steps[slice])))
        }
        return AdapterUpdate.RingTensor(
            name: name, held: held, weight: weight, form: form, steps: steps, words: words)
    }

    private mutating func readHeldShape(of shape: Shape) throws(CanonicalError) -> HeldShape {
        let start = offset
        let code = try read(UInt8.self)
        let mask = try readPrefixed(max: Self.directionCountMax / 8)
        guard code != 255 else {
            guard mask.isEmpty else { throw .malformed(offset: start) }
            return HeldShape(shape: shape, axis: nil, directions: nil)
        }
        let axis = Int(code)
        guard axis < shape.extents.count, shape.extents[axis] <= Self.directionCountMax else {
            throw .malformed(offset: start)
        }
        guard !mask.isEmpty else { return HeldShape(shape: shape, axis: axis, directions: nil) }
        let extent = shape.extents[axis]
        guard mask.count == (extent + 7) / 8 else { throw .malformed(offset: start) }
        let directions = (0..<8 * mask.count).filter { bit in
            let byte = mask[bit / 8] >> UInt8(bit % 8)
            return byte & 1 == 1
        }
        // All of them are written as an empty mask, none as no tensor.
        guard !directions.isEmpty, directions.count < extent,
            directions.allSatisfy({ $0 < extent })
        else { throw .malformed(offset: start) }
        return HeldShape(shape: shape, axis: axis, directions: directions)
    }

    private mutating func readNumbers(
        count: Int, form: WireForm, magnitudeMax: Int64
    ) throws(CanonicalError) -> [Int8] {
        let start = offset
        let numbers: [Int8]
        if form == .int8 {
            numbers = try read(rawCount: count).map { Int8(bitPattern: $0) }
        } else {
            let packed = try read(rawCount: count / 2 + count % 2)
            numbers = (0..<count).map { index in
                // Shifted up and down again: the sign of four bits becomes that of eight.
                Int8(bitPattern: packed[index / 2] << (index % 2 == 0 ? 4 : 0)) >> 4
            }
            if count % 2 == 1, let last = packed.last, last >> 4 != 0 {
                throw .malformed(offset: offset - 1)
            }
        }
        guard numbers.allSatisfy({ Int64($0) >= -magnitudeMax }) else {
            throw .malformed(offset: start)
        }
        return numbers
    }
}
