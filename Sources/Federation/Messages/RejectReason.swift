/// Why something from outside was refused.
///
/// The numbers are on the wire and are never reused.
public enum RejectReason: UInt16, Error, Hashable, Sendable, CaseIterable {
    /// The peer follows another manifest.
    case manifestMismatch = 1
    /// The peer holds another base model.
    case baseModelMismatch = 2
    /// The peer speaks another version of the protocol.
    case protocolVersion = 3
    /// The signer is not a member at this height.
    case notMember = 4
    /// The bytes cannot be read.
    case malformed = 5
    /// A signature does not fit its statement.
    case signatureInvalid = 6
    /// The update names a tensor that the adapter does not have.
    case updateUnknownTensor = 7
    /// A tensor of the update has another shape.
    case updateShapeMismatch = 8
    /// The update is longer than the norm bound allows.
    case updateNormExceeded = 9
    /// The update holds a value that is not finite.
    case updateNonFinite = 10
    /// A ring integer is above what its weight allows.
    case updateRingOverflow = 11
    /// The update was made from another adapter than the round's.
    case updateWrongBase = 12
    /// The update belongs to another round.
    case updateWrongRound = 13
    /// The update has more bytes than the manifest allows.
    case updateTooLarge = 14
    /// The update does not match what its member announced.
    case updateNotAsAnnounced = 15
    /// The same member said two different things where only one may be said.
    case equivocation = 16
    /// The message belongs to a height or round that is over.
    case replay = 17
    /// The message is longer than a frame may be.
    case frameTooLarge = 18
    /// The proposal breaks a rule of the chain.
    case proposalInvalid = 19
    /// The proposal's justification does not support it.
    case justificationInvalid = 20
    /// A certificate holds too few valid signatures.
    case certificateInvalid = 21
    /// Another node with the same key is running.
    case duplicateIdentity = 22
    /// The sender exceeds a bound on what one peer may have in flight.
    case tooMany = 23
    /// A weight is zero or above the manifest's weight unit.
    case updateWeightInvalid = 24
    /// A step count is zero or above what a round has.
    case updateStepsInvalid = 25
    /// The directions held are not the ones that the round gives the member.
    case updateDirectionsInvalid = 26
    /// The update holds a tensor that this round does not train.
    case updateFrozenTensor = 27
    /// The update's numbers are in another form than the manifest's.
    case updateFormInvalid = 28
    /// The update holds a part of READ's tensors, or READ's and LoRA's.
    case updateMethodInvalid = 29
    /// The round's draw does not give this member's state to the receiver.
    case notDrawn = 30
    /// The peer showed no membership certificate, and the federation asks for one.
    case membershipMissing = 40
    /// The certificate is of another federation.
    case membershipOfOtherFederation = 41
    /// The certificate is another node's.
    case membershipOfOtherKey = 42
    /// The certificate holds from a later time on.
    case membershipNotYetValid = 43
    /// The certificate's time is over.
    case membershipExpired = 44
    /// The certificate was revoked.
    case membershipRevoked = 45
    /// The certificate hangs on a key that the manifest doesn't name.
    case membershipIssuerUnknown = 46
    /// The certificate hangs on more delegations than may be.
    case membershipDelegatedTooDeep = 47
    /// The certificate doesn't give the right that is needed.
    case membershipRoleMissing = 48
    /// The invite has been used by as many nodes as it is good for.
    case inviteUsed = 49
    /// The invite's time is over.
    case inviteExpired = 50
    /// The request has come before.
    case requestReplayed = 51
    /// The request's time is too far from this node's.
    case requestTimeOff = 52
    /// Members of one organisation are more in the group than may be.
    case organisationTooLarge = 53

    /// Whether only a peer that breaks the protocol causes this.
    ///
    /// The others come with delays, duplicates and races, and are dropped without a word.
    var isViolation: Bool {
        switch self {
        case .manifestMismatch, .baseModelMismatch, .protocolVersion, .malformed,
            .signatureInvalid, .frameTooLarge, .proposalInvalid, .justificationInvalid,
            .certificateInvalid, .updateWeightInvalid, .updateTooLarge, .membershipMissing,
            .membershipOfOtherFederation, .membershipOfOtherKey, .membershipNotYetValid,
            .membershipExpired, .membershipRevoked, .membershipIssuerUnknown,
            .membershipDelegatedTooDeep, .membershipRoleMissing:
            true
        default:
            false
        }
    }

    /// One sentence for people.
    public var sentence: String {
        switch self {
        case .manifestMismatch: "The peer follows another manifest."
        case .baseModelMismatch: "The peer holds another base model."
        case .protocolVersion: "The peer speaks another version of the protocol."
        case .notMember: "The signer is not a member of the federation at this height."
        case .malformed: "The bytes cannot be read."
        case .signatureInvalid: "A signature does not fit its statement."
        case .updateUnknownTensor: "The update names a tensor that the adapter does not have."
        case .updateShapeMismatch: "A tensor of the update has another shape than the adapter's."
        case .updateNormExceeded: "The update is longer than the norm bound allows."
        case .updateNonFinite: "The update holds a value that is not finite."
        case .updateRingOverflow: "A value of the update is above what its weight allows."
        case .updateWrongBase: "The update was made from another adapter than the round's."
        case .updateWrongRound: "The update belongs to another round."
        case .updateTooLarge: "The update has more bytes than the manifest allows."
        case .updateNotAsAnnounced: "The update differs from what its member announced."
        case .equivocation: "The same member signed two different statements for one place."
        case .replay: "The message belongs to a height or round that is over."
        case .frameTooLarge: "The message is longer than a frame may be."
        case .proposalInvalid: "The proposal breaks a rule of the chain."
        case .justificationInvalid: "The view changes with the proposal do not support it."
        case .certificateInvalid: "The certificate holds too few valid signatures."
        case .duplicateIdentity: "Another node with the same key is running."
        case .tooMany: "The sender exceeds a bound on what one peer may have in flight."
        case .updateWeightInvalid: "A weight is zero or above the manifest's weight unit."
        case .updateStepsInvalid: "A step count is zero or above what a round has."
        case .updateDirectionsInvalid:
            "The directions held are not the ones that the round gives the member."
        case .updateFrozenTensor: "The update holds a tensor that this round does not train."
        case .updateFormInvalid: "The update's numbers are in another form than the manifest's."
        case .updateMethodInvalid: "The update holds other tensors than those of one method."
        case .notDrawn: "The round's draw does not give this member's state to the receiver."
        case .membershipMissing: "The federation admits members only; ask one for an invite."
        case .membershipOfOtherFederation: "The membership certificate is of another federation."
        case .membershipOfOtherKey: "The membership certificate is another node's."
        case .membershipNotYetValid: "The membership certificate does not hold yet."
        case .membershipExpired: "The membership certificate has expired."
        case .membershipRevoked: "The membership was revoked."
        case .membershipIssuerUnknown:
            "The membership certificate hangs on a key that the manifest does not name."
        case .membershipDelegatedTooDeep:
            "The membership certificate hangs on more delegations than may be."
        case .membershipRoleMissing: "The membership certificate does not give that right."
        case .inviteUsed: "The invite has been used by as many nodes as it is good for."
        case .inviteExpired: "The invite has expired."
        case .requestReplayed: "The request has come before."
        case .requestTimeOff: "The request's time is too far from this node's; set the clock."
        case .organisationTooLarge: "One organisation has more members in the group than may be."
        }
    }
}
