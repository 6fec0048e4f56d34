#!/usr/bin/env python
# coding: utf-8

# # Exploring the survey
# Exported with nbconvert; the options were added later.

# In[1]:


import argparse
import sys

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

# get_ipython().run_line_magic('matplotlib', 'inline')


# In[2]:


parser = argparse.ArgumentParser()
parser.add_argument("-i", "--input", default="survey.csv")
parser.add_argument("-o", "--output", default="figures")
parser.add_argument("--bins", type=int, default=30)
parser.add_argument("--palette", default="deep", choices=["deep", "muted", "pastel"])
parser.add_argument("--style", default="whitegrid")
if "ipykernel" in sys.modules:
    args = parser.parse_args([])
else:
    args = parser.parse_args()
sns.set(style=args.style, palette=args.palette)


# In[3]:


df = pd.read_csv(args.input)
df.head()


# In[4]:


for column in df.select_dtypes("number"):
    ax = df[column].hist(bins=args.bins)
    plt.savefig(f"{args.output}/{column}.png"); plt.clf()


# In[ ]:




