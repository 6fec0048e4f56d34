#!/usr/bin/env python
# coding: utf-8
import argparse, gc, os, sys, warnings
import numpy as np
import pandas as pd
import lightgbm as lgb
from sklearn.model_selection import StratifiedKFold
from sklearn.metrics import roc_auc_score

warnings.filterwarnings('ignore')
pd.set_option('display.max_columns', 200)

SEED = 42
N_FOLDS = 5
DATA_DIR = '../input/home-credit'
LGB_PARAMS = {
    'objective': 'binary',
    'boosting_type': 'gbdt',
    'learning_rate': 0.01,
    'num_leaves': 2 ** 5 - 1,
    'max_depth': -1,
    'verbose': -1,
}

ap = argparse.ArgumentParser()
ap.add_argument('--data_dir', default=DATA_DIR)
ap.add_argument('--out', default='submission.csv', help='where to put the submission')
ap.add_argument('--folds', type=int, default=N_FOLDS)
ap.add_argument('--seed', type=int, default=SEED)
ap.add_argument('--lr', type=float, default=LGB_PARAMS['learning_rate'])
ap.add_argument('--num_leaves', type=int, default=LGB_PARAMS['num_leaves'])
ap.add_argument('--n_estimators', type=int, default=int(1e4))
ap.add_argument('--debug', action='store_true', help='take 1% of the rows')
ap.add_argument('--drop', nargs='*', default=['SK_ID_CURR'], help='columns to leave out')
args = ap.parse_args()

train = pd.read_csv(os.path.join(args.data_dir, 'application_train.csv'), nrows=3000 if args.debug else None)
test = pd.read_csv(os.path.join(args.data_dir, 'application_test.csv'))
print('Train shape', train.shape, 'test shape', test.shape)

feats = [f for f in train.columns if f not in ['TARGET'] + args.drop]
oof = np.zeros(len(train)); preds = np.zeros(len(test))
folds = StratifiedKFold(n_splits=args.folds, shuffle=True, random_state=args.seed)
for n_fold, (trn_idx, val_idx) in enumerate(folds.split(train[feats], train['TARGET'])):
    clf = lgb.LGBMClassifier(**dict(LGB_PARAMS, learning_rate=args.lr, n_estimators=args.n_estimators))
    clf.fit(train[feats].iloc[trn_idx], train['TARGET'].iloc[trn_idx])
    oof[val_idx] = clf.predict_proba(train[feats].iloc[val_idx])[:, 1]
    preds += clf.predict_proba(test[feats])[:, 1] / args.folds
    print('Fold %2d AUC : %.6f' % (n_fold + 1, roc_auc_score(train['TARGET'].iloc[val_idx], oof[val_idx])))
    del clf; gc.collect()
test['TARGET'] = preds
test[['SK_ID_CURR', 'TARGET']].to_csv(args.out, index=False)
