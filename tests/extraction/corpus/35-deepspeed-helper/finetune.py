import argparse

import deepspeed
from transformers import AutoModelForCausalLM, SchedulerType

SCHEDULERS = ["linear", "cosine", "cosine_with_restarts", "polynomial", "constant"]


def parse_args():
    parser = argparse.ArgumentParser(description="Finetune a transformers model on a causal language modeling task")
    parser.add_argument("--data_path", nargs="*", default=["rm-static"], help="Path to the training dataset.")
    parser.add_argument("--model_name_or_path", type=str, help="Path to pretrained model", required=True)
    parser.add_argument("--per_device_train_batch_size", type=int, default=16)
    parser.add_argument("--learning_rate", type=float, default=5e-5, help="Initial learning rate.")
    parser.add_argument("--num_train_epochs", type=int, default=1, help="Total number of training epochs.")
    parser.add_argument(
        "--lr_scheduler_type",
        type=SchedulerType,
        default="cosine",
        help="The scheduler type to use.",
        choices=SCHEDULERS,
    )
    parser.add_argument("--output_dir", type=str, default=None, help="Where to store the model.")
    parser.add_argument("--seed", type=int, default=1234, help="A seed for reproducible training.")
    parser.add_argument("--gradient_checkpointing", action="store_true")
    parser = deepspeed.add_config_arguments(parser)
    parser.add_argument("--zero_stage", type=int, default=0, choices=range(0, 4), help="ZeRO optimization stage")
    args = parser.parse_args()
    return args


def main():
    args = parse_args()
    model = AutoModelForCausalLM.from_pretrained(args.model_name_or_path)
    engine, *_ = deepspeed.initialize(args=args, model=model)


if __name__ == "__main__":
    main()
