"""The models: one configurable decoder, which most published families are, and beside it a Mamba and an
encoder-decoder (T5). Start reading in `decoder`; `language_model` says what trainer and generation ask of all three.
"""
