internal import JSONDocuments
internal import Testing

@testable internal import Tokenizers

@Suite struct ChatTemplateTests {
    @Test(arguments: [("chat.json", 12), ("chat-families.json", 42)])
    func `conversations read as transformers renders them`(file: String, count: Int) throws {
        let fixture = try #require(Fixture.json(file).object)
        let templates = try #require(fixture["templates"]?.object)
        let cases = try #require(fixture["cases"]?.array)
        #expect(cases.count == count)
        for value in cases {
            let entry = try #require(value.object)
            let name = try #require(entry["template"]?.string)
            let template = try ChatTemplate(
                jinja: #require(templates[name]?.string), bosToken: "<s>", eosToken: "</s>"
            )
            let messages = try #require(entry["messages"]?.array).map {
                try ChatTemplate.Message(
                    role: #require($0.object?["role"]?.string),
                    content: #require($0.object?["content"]?.string)
                )
            }
            let adds = entry["adds"] == .bool(true)
            let text = try #require(entry["text"]?.string)
            #expect(template.render(messages, addsGenerationPrompt: adds) == text)
        }
    }

    @Test func `the default system message is read from the template`() throws {
        let fixture = try #require(Fixture.json("chat.json").object?["templates"]?.object)
        let smollm = try ChatTemplate(jinja: #require(fixture["smollm2"]?.string))
        #expect(
            smollm.defaultSystemMessage
                == "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
        )
        let plain = try ChatTemplate(jinja: #require(fixture["plain"]?.string))
        #expect(plain.defaultSystemMessage == nil)
    }

    @Test(arguments: [
        ("llama2", "<s>[INST] <<SYS>>\nBe.\n<</SYS>>\n\nHi [/INST]", " Ho </s>"),
        ("mistral", "<s>[INST] Be.\n\nHi [/INST]", "Ho</s>"),
        (
            "llama3",
            "<s><|start_header_id|>system<|end_header_id|>\n\nBe.<|eot_id|><|start_header_id|>user"
                + "<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            "Ho<|eot_id|>"
        ),
    ])
    func `answers of other families end with their own tokens`(
        name: String,
        question: String,
        answer: String
    ) throws {
        let templates = try #require(
            Fixture.json("chat-families.json").object?["templates"]?.object)
        let template = try ChatTemplate(
            jinja: #require(templates[name]?.string), bosToken: "<s>", eosToken: "</s>"
        )
        let segments = template.renderSegments([
            .init(role: "system", content: "Be."), .init(role: "user", content: "Hi"),
            .init(role: "assistant", content: "Ho"),
        ])
        #expect(segments.prefix(2).map(\.text) == [question, answer])
        #expect(segments.map(\.isAnswer).prefix(2) == [false, true])
    }

    @Test func `a template's branches for tools must be those that are known`() throws {
        let templates = try #require(
            Fixture.json("chat-families.json").object?["templates"]?.object)
        let qwen = try #require(templates["qwen2.5"]?.string)
        let template = try ChatTemplate(jinja: qwen)
        #expect(template.defaultSystemMessage == "You are Qwen.")
        for (text, other) in [
            ("if tools", "if messages"), ("not message.tool_calls", "message.tool_calls"),
            (#"role == "tool""#, #"role == "user""#), ("{%- endfor %}\n{%- if", "{%- if"),
        ] {
            #expect(throws: TokenizerError.self) {
                try ChatTemplate(jinja: qwen.replacing(text, with: other))
            }
        }
    }

    @Test func `answers are what the assistant says and the end of its turn`() {
        let template = ChatTemplate(defaultSystemMessage: nil)
        let segments = template.renderSegments([
            .init(role: "user", content: "Hi"), .init(role: "assistant", content: "Hello."),
            .init(role: "user", content: "Bye"), .init(role: "assistant", content: ""),
        ])
        #expect(
            segments.filter(\.isAnswer).map(\.text) == ["Hello.<|im_end|>", "<|im_end|>"]
        )
        #expect(segments.first?.text == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
        #expect(segments.last?.text == "\n")
        #expect(template.renderSegments([]).isEmpty)
    }

    @Test(arguments: [
        "", "{{ messages }}", "{% for message in messages %}", "{{", "{% x", "{# never closed",
        "{{ 'a", "{{ '\\", "[INST] {{ messages[0].content }} [/INST]",
        "{% for message in messages %}{{ message.content | trim }}{% endfor %}",
    ])
    func `another template is refused by its beginning`(jinja: String) {
        #expect(throws: TokenizerError.unknownChatTemplate(excerpt: String(jinja.prefix(80)))) {
            try ChatTemplate(jinja: jinja)
        }
    }

    @Test func `a tokenizer tells a missing template from an unknown one`() throws {
        var definition = try TokenizerDefinition(
            tokenizerJSON: Fixture.bytes("trained-tokenizer.json"),
            tokenizerConfigJSON: Array(#"{"chat_template": "{{ messages }}"}"#.utf8)
        )
        let tokenizer = try Tokenizer(definition)
        #expect(tokenizer.chatTemplate == nil)
        #expect(throws: TokenizerError.unknownChatTemplate(excerpt: "{{ messages }}")) {
            try tokenizer.requiredChatTemplate()
        }
        definition.chatTemplate = nil
        let silent = try Tokenizer(definition)
        #expect(throws: TokenizerError.missingChatTemplate) { try silent.requiredChatTemplate() }
    }

    @Test func `no cut or change of a template ends the process`() throws {
        let chat = try #require(Fixture.json("chat.json").object?["templates"]?.object)
        let families = try #require(Fixture.json("chat-families.json").object?["templates"]?.object)
        var generator = SplitMix(state: 11)
        for value in [chat["smollm2"], chat["plain"], families["llama3"]] {
            let scalars = Array(try #require(value?.string).unicodeScalars)
            for end in scalars.indices {
                var text = String.UnicodeScalarView()
                text.append(contentsOf: scalars[..<end])
                _ = try? ChatTemplate(jinja: String(text))
            }
            for _ in 0..<500 {
                var changed = scalars
                let index = Int.random(in: scalars.indices, using: &generator)
                changed[index] =
                    Array("{}%#-'\"\\ [].+~\n".unicodeScalars)
                    .randomElement(using: &generator) ?? "{"
                var text = String.UnicodeScalarView()
                text.append(contentsOf: changed)
                _ = try? ChatTemplate(jinja: String(text))
            }
        }
    }
}
