"""Write what MXNet 1.9.1's own iterators give: ImageRecordIter with each augmentation whose result no random number changes
(augment.json, augment.npz), and NDArrayIter, CSVIter, ResizeIter and PrefetchingIter (iterators.json).

Run in the environment that golden/README.md of the shared data describes: python make.py
"""
import json, os
import cv2, mxnet as mx, numpy as np
os.chdir(os.path.dirname(os.path.abspath(__file__)))
rng=np.random.default_rng(3)
w=mx.recordio.MXIndexedRecordIO('png.idx','png.rec','w')
for k in range(3):
    im=cv2.GaussianBlur(rng.integers(0,256,(50+k%3*7,60+k%2*9,3),np.uint8),(0,0),2.5); im=cv2.normalize(im,None,0,255,cv2.NORM_MINMAX)
    w.write_idx(k,mx.recordio.pack_img(mx.recordio.IRHeader(0,float(k),k,0),im,img_fmt='.png',quality=9))
w.close()
base=dict(path_imgrec='png.rec',path_imgidx='png.idx',data_shape=(3,32,40),batch_size=3,verbose=False,dtype='uint8')
cases={
'resize':dict(resize=45),'resize_area':dict(resize=40,inter_method=3),'resize_cubic':dict(resize=80,inter_method=2),'resize_auto_up':dict(resize=80,inter_method=9),
'resize_auto_down':dict(resize=40,inter_method=9),'resize_lanczos':dict(resize=70,inter_method=4),'resize_nearest':dict(resize=70,inter_method=0),
'rotate90':dict(rotate=90),'rotate30':dict(rotate=30,fill_value=9),'rotate30_area':dict(rotate=30,inter_method=3),'rotate30_cubic':dict(rotate=30,inter_method=2),
'scale_up':dict(min_random_scale=1.3,max_random_scale=1.3),'scale_down':dict(min_random_scale=.8,max_random_scale=.8),
'aspect':dict(min_aspect_ratio=1.2,max_aspect_ratio=1.2),'max_img_size':dict(max_img_size=45),'min_img_size':dict(min_img_size=70),
'img_sizes':dict(max_img_size=50,min_img_size=40,min_random_scale=1.2,max_random_scale=1.2),
'pad':dict(pad=5,data_shape=(3,60,70),fill_value=33),'crop_size':dict(min_crop_size=44,max_crop_size=44),
'small':dict(data_shape=(3,80,90)),'small_width':dict(data_shape=(3,40,90)),'small_height':dict(data_shape=(3,80,40)),
'resized_crop_unset':dict(random_resized_crop=True),'resized_crop_whole':dict(random_resized_crop=True,min_random_area=.999999,max_random_area=.999999,min_aspect_ratio=1.0,max_aspect_ratio=1.0),
'resized_crop_that_never_fits':dict(random_resized_crop=True,min_aspect_ratio=3.,max_aspect_ratio=3.),'resized_crop_rotated':dict(random_resized_crop=True,rotate=90),
'resized_crop_padded':dict(random_resized_crop=True,pad=6,resize=45),
}
arrays={}
for name,kw in cases.items(): arrays[name]=mx.io.ImageRecordIter(**{**base,**kw}).next().data[0].asnumpy()
np.savez_compressed('augment.npz',**arrays)
json.dump(dict(tool='mxnet 1.9.1',cases={n:{**base,**kw} for n,kw in cases.items()}),open('augment.json','w'),indent=1)

npy=lambda a:a.asnumpy().tolist()
out=dict(tool='mxnet 1.9.1',ndarray=[],resize=[],prefetch={})
for n in (10,9,12):
    for h in ('pad','discard','roll_over'):
        it=mx.io.NDArrayIter(np.arange(n*2).reshape(n,2).astype('float32'),np.arange(n).astype('float32'),batch_size=4,last_batch_handle=h)
        epochs=[]
        for e in range(4):
            epochs.append([[npy(b.data[0]),npy(b.label[0]),b.pad] for b in it]); it.reset()
        it.next(); it.reset(); epochs.append([[npy(b.data[0]),npy(b.label[0]),b.pad] for b in it])
        out['ndarray'].append(dict(rows=n,handle=h,epochs=epochs))
row=lambda k:','.join(str(k*10+j) for j in range(4))
open('data.csv','w').write(''.join(row(k)+'\n' for k in range(5))); open('label.csv','w').write(''.join('%d\n'%k for k in range(5)))
it=mx.io.CSVIter(data_csv='data.csv',data_shape=(2,2),batch_size=2,label_csv='label.csv')
out['csv']=[[npy(b.data[0]),npy(b.label[0]),b.pad] for b in it]
one=lambda f:mx.io.NDArrayIter((np.arange(6)*f).astype('float32'),np.arange(6).astype('float32'),batch_size=2)
for size,reset in ((5,True),(2,True),(2,False)):
    it=mx.io.ResizeIter(one(1),size,reset_internal=reset); epochs=[]
    for e in range(3): epochs.append([npy(b.data[0]) for b in it]); it.reset()
    out['resize'].append(dict(size=size,reset_internal=reset,epochs=epochs))
it=mx.io.PrefetchingIter([one(1),one(2)],rename_data=[{'data':'d1'},{'data':'d2'}],rename_label=[{'softmax_label':'l1'},{'softmax_label':'l2'}])
out['prefetch']['names']=[d.name for d in it.provide_data+it.provide_label]; out['prefetch']['epochs']=[]
for e in range(2): out['prefetch']['epochs'].append([[[npy(x) for x in b.data],[npy(x) for x in b.label],b.pad] for b in it]); it.reset()
json.dump(out,open('iterators.json','w'))
