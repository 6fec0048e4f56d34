import re
import sys

import pandas as pd

URL = re.compile(r"https?://\S+")
USER = re.compile(r"@\w+")


def clean(text):
    text = URL.sub("", text)
    text = USER.sub("", text)
    return re.sub(r"\s+", " ", text).strip().lower()


if len(sys.argv) < 3:
    print("usage: clean_tweets.py INPUT OUTPUT [MIN_LENGTH] [COLUMN]")
    sys.exit(1)

input_path = sys.argv[1]
output_path = sys.argv[2]
min_length = int(sys.argv[3]) if len(sys.argv) > 3 else 5
column = sys.argv[4] if len(sys.argv) > 4 else "text"

df = pd.read_csv(input_path)
df[column] = df[column].astype(str).map(clean)
df = df[df[column].str.len() >= min_length]
df.to_csv(output_path, index=False)
print("kept", len(df))
